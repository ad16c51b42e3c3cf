"""Verbs that change something: init, up, verify, down, token."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.choices import Client, Json, Lab, Profile, Settings, read_options
from provision.cli.reports import write_reports
from provision.errors import ExitCode, UsageError
from provision.models.plan import Plan, PlanChange
from provision.pipeline.options import refuse_busy

if TYPE_CHECKING:
    from provision.pipeline.up import Confirm, UpResult
    from provision.ui.progress import ProgressView


def register(app: typer.Typer) -> None:
    for verb in (init, up, verify, down, token):
        app.command()(verb)


def init(
    client: Annotated[str, typer.Argument(help="the client's name: lower-case letters, digits, '-'")],
    profile: Annotated[str, typer.Option("--profile", help="the profile to start from")],
    as_json: Json = False,
) -> None:
    """Write a commented client file with a network of its own."""
    from provision.pipeline.clients import init_client
    from provision.ui.jsonout import to_json

    path = init_client(client, profile)
    print(
        to_json({"client": client, "file": str(path)})
        if as_json
        else f"Written: {path}\nNext: provision plan --client {client}"
    )


def up(
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before changing anything")] = False,
    full: Annotated[bool, typer.Option("--full", help="run the playbooks even where nothing changed")] = False,
    allow_reboot: Annotated[
        bool, typer.Option("--allow-reboot", help="restart a node or host where only that loads its driver")
    ] = False,
    release_locks: Annotated[
        bool, typer.Option("--release-locks", help="release locks of our guests on a Proxmox node that no task holds")
    ] = False,
    remove_guests: Annotated[
        bool, typer.Option("--remove-guests", help="destroy our guests on a Proxmox node that are not planned any more")
    ] = False,
    as_json: Json = False,
) -> int:
    """Bring the stack up, prove it, and sign the receipt. Running it again changes only what differs."""
    options = read_options(profile, client, settings, lab)
    refuse_busy(options)
    from provision.pipeline.up import NodeOptions, bring_up
    from provision.ui.console import make_console
    from provision.ui.progress import ProgressView

    view = ProgressView(make_console(stderr=as_json))
    with view:
        confirm = asking(view, yes=yes)
        allowed = NodeOptions(may_reboot=allow_reboot, release_locks=release_locks, remove_guests=remove_guests)
        result = bring_up(options, view.handle, confirm, full=full, allowed=allowed)
    return tell(result, as_json=as_json)


def tell(result: UpResult, *, as_json: bool) -> int:
    """What a run of `up` left, as text or JSON; the exit code."""
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.summary import render_summary

    files = write_reports(result.verified)
    if as_json:
        print(to_json({**result.model_dump(mode="json", exclude={"plan"}), "files": files}))
    else:
        receipt = result.verified.signed.receipt
        make_console().print(
            render_summary(
                receipt,
                changed=result.changed,
                stages=result.stages,
                credentials=Path(result.credentials),
                files={name: Path(path) for name, path in files.items()},
            )
        )
    return ExitCode.OK if result.verified.passed else ExitCode.CHECK_FAILED


def asking(view: ProgressView, *, yes: bool) -> Confirm:
    """Ask before anything is changed, unless `yes` says so already."""

    def confirm(plan: Plan, changes: tuple[PlanChange, ...] | None) -> bool:
        with view.paused():
            return yes or _ask(plan, changes)

    return confirm


def verify(
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="check a receipt's signature instead")] = None,
    key: Annotated[str | None, typer.Option("--key", help="public key (hex) to expect", metavar="HEX")] = None,
    as_json: Json = False,
) -> int:
    """Measure the stack that stands against its plan, or check a signed receipt."""
    from provision.pipeline.verification import verify_receipt_file, verify_standing
    from provision.ui.checks_table import render_checks
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.progress import ProgressView

    options = read_options(profile, client, settings, lab)
    if receipt is not None:
        good = verify_receipt_file(receipt, options, key)
        print(to_json(good) if as_json else f"The signature is good: {receipt} ({good.receipt.verdict})")
        return ExitCode.OK
    console = make_console(stderr=as_json)
    view = ProgressView(console)
    with view:
        verified = verify_standing(options, view.handle)
    files = write_reports(verified)
    if as_json:
        print(to_json({"receipt": verified.signed.model_dump(mode="json"), "files": files}))
    else:
        console.print(render_checks(verified.signed.receipt))
        print(*(f"{name}: {path}" for name, path in files.items()), sep="\n")
    return ExitCode.OK if verified.passed else ExitCode.CHECK_FAILED


def down(
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before guests of a live node go")] = False,
) -> None:
    """Destroy the client's own guests, in the lab or on a Proxmox node; secrets, plan and receipts stay."""
    from provision.pipeline.down import take_down
    from provision.ui.console import make_console
    from provision.ui.progress import ProgressView

    view = ProgressView(make_console())

    def confirm(guests: tuple[str, ...]) -> bool:
        with view.paused():
            return yes or _ask_twice(guests)

    with view:
        removed = take_down(read_options(profile, client, settings, lab), view.handle, confirm)
    what = f"The lab of '{removed.client}' is gone" if lab else f"{len(removed.guests)} guests are gone"
    print(f"{what}; secrets, plan and receipts of '{removed.client}' are kept.")


def token(
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    create: Annotated[bool, typer.Option("--create", help="run them by ssh as root and keep the token")] = False,
    as_json: Json = False,
) -> None:
    """Print the commands that make a Proxmox node's API token with the few privileges needed, or run them."""
    from provision.pipeline.token_verb import make_token, show_commands
    from provision.ui.jsonout import to_json

    options = read_options(profile, client, settings, lab=False)
    if create:
        name = make_token(options)
        print(to_json({"token": name}) if as_json else f"Made: {name}; its secret is in the client's vault.")
        return
    commands = show_commands(options)
    print(to_json({"commands": commands}) if as_json else "\n".join(commands))


def _ask_twice(guests: tuple[str, ...]) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", where="standard input is no terminal", hint="add --yes to go on")
    print("These guests go, with all their data: " + ", ".join(guests))
    return typer.confirm("Destroy them?")


def _ask(plan: Plan, changes: tuple[PlanChange, ...] | None) -> bool:
    from provision.ui.console import make_console
    from provision.ui.plan_diff import render_plan_diff
    from provision.ui.plan_table import render_plan

    if changes is not None and not changes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", where="standard input is no terminal", hint="add --yes to go on")
    console = make_console()
    console.print(render_plan(plan) if changes is None else render_plan_diff(changes))
    return typer.confirm("Go on?")
