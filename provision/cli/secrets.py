"""The verbs of a client's secrets: show, set, rotate."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.choices import Client, Json, Lab, Profile, Settings, read_options
from provision.cli.deploy import tell
from provision.errors import ExitCode, UsageError
from provision.pipeline.options import Options

if TYPE_CHECKING:
    from provision.pipeline.secrets_rotate import Agree
    from provision.ui.progress import ProgressView

app = typer.Typer(help="A client's secrets: what there is, and new values.")


@app.command()
def show(
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    reveal: Annotated[str | None, typer.Option("--reveal", help="print this one's value", metavar="NAME")] = None,
    as_json: Json = False,
) -> None:
    """Names, kinds, users and ages; a value only of the one that --reveal names."""
    from provision.pipeline.secrets import reveal_secret, show_secrets
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.secrets_view import render_secrets

    options = read_options(profile, client, settings, lab)
    if reveal is not None:
        value = reveal_secret(options, reveal)
        print(to_json({"name": reveal, "value": value}) if as_json else value)
        return
    found = show_secrets(options)
    print(to_json(found)) if as_json else make_console().print(render_secrets(found))


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="for example open_webui_oidc_client_secret", metavar="NAME")],
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
) -> None:
    """Keep a secret that somebody else made, read from the input and never from the command line; up applies it."""
    from provision.pipeline.secrets import set_secret

    options = read_options(profile, client, settings, lab)
    value = typer.prompt(name, hide_input=True) if sys.stdin.isatty() else sys.stdin.read().strip()
    set_secret(options, name, value)
    print(f"{name} is kept; provision up applies it", file=sys.stderr)


@app.command()
def rotate(
    names: Annotated[list[str] | None, typer.Argument(help="for example n8n_webhook_key", metavar="NAME")] = None,
    every: Annotated[bool, typer.Option("--all", help="all that can be rotated without a loss")] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="rotate the named ones although something is lost with the old value")
    ] = False,
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before changing anything")] = False,
    as_json: Json = False,
) -> int:
    """Make new values, apply and verify them. Where that fails the old ones are put back (exit 6)."""
    options = read_options(profile, client, settings, lab)
    if names == ["signing_key"] and not every:
        return _rotate_signing_key(options, as_json=as_json)
    from provision.pipeline.secrets_rotate import rotate_secrets
    from provision.ui.console import make_console
    from provision.ui.progress import ProgressView

    view = ProgressView(make_console(stderr=as_json))
    with view:
        changed, result = rotate_secrets(
            options, tuple(names or ()), view.handle, _agreeing(view, yes=yes), every=every, accept_loss=accept_loss
        )
    print(f"New values: {', '.join(changed)}", file=sys.stderr)
    return tell(result, as_json=as_json)


def _rotate_signing_key(options: Options, *, as_json: bool) -> int:
    from provision.pipeline.secrets_signing import replace_signing_key
    from provision.ui.jsonout import to_json

    done = replace_signing_key(options)
    print(
        to_json(done) if as_json else f"Receipts are signed by {done.current} from now on.\nFormer key: {done.former}"
    )
    return ExitCode.OK


def _agreeing(view: ProgressView, *, yes: bool) -> Agree:
    def agree(names: tuple[str, ...]) -> bool:
        with view.paused():
            return yes or _ask(names)

    return agree


def _ask(names: tuple[str, ...]) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", where="standard input is no terminal", hint="add --yes to go on")
    print("These get new values, and what uses them restarts: " + ", ".join(names))
    return typer.confirm("Go on?")
