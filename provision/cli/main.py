"""The entry point: every failure becomes three lines and an exit code; no traceback ever reaches a user."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from provision.cli import (
    advise,
    deploy,
    evidence,
    inspect,
    lab,
    lock,
    look,
    mirror,
    model,
    pilot,
    rollback,
    secrets,
    tco,
)
from provision.errors import ErrorGroup, ExitCode, ProvisionError, SetupError, UsageError

app = typer.Typer(
    name="provision",
    help="A hardware profile goes in; a verified private AI stack comes out, with a signed receipt.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
look.register(app)
advise.register(app)
deploy.register(app)
inspect.register(app)
lock.register(app)
rollback.register(app)
evidence.register(app)
tco.register(app)
app.add_typer(lab.app, name="lab")
app.add_typer(mirror.app, name="mirror")
app.add_typer(secrets.app, name="secrets")
app.add_typer(pilot.app, name="pilot")
app.add_typer(model.app, name="model")


def main() -> NoReturn:
    """Run the command line and exit with the code of docs/exit-codes.md."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """One command; the exit code."""
    as_json = "--json" in arguments
    if arguments in ([], ["lab"], ["mirror"], ["secrets"], ["pilot"], ["model"]):
        arguments = [*arguments, "--help"]
    try:
        result = app(args=arguments, standalone_mode=False)
    except (ProvisionError, ErrorGroup) as error:
        return _show(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        print("Interrupted. Run the same command again: it goes on where it stopped.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone; keep Python from complaining once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except TyperException as error:
        return _show(_usage(error), as_json=as_json)
    except Exception as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        return _show(_full(error) if full else _unexpected(error), as_json=as_json)
    return result if isinstance(result, int) else ExitCode.OK


def _show(error: ProvisionError | ErrorGroup, *, as_json: bool) -> int:
    from provision.ui.console import make_console
    from provision.ui.errors import render_error
    from provision.ui.jsonout import error_to_json

    if as_json:
        print(error_to_json(error))
    else:
        make_console(stderr=True).print(render_error(error), soft_wrap=True)
    return int(error.exit_code)


def _usage(error: TyperException) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "provision"
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    return UsageError(text.rstrip("."), where="the command line", hint=f"{command} --help")


def _full(error: Exception) -> SetupError:
    return SetupError(
        "a disk of this machine is full",
        where=str(getattr(error, "filename", None) or "PROVISION_HOME, PROVISION_CACHE or /tmp"),
        hint="free some space (df -h) and run the same command again: it goes on where it stopped",
    )


def _unexpected(error: Exception) -> SetupError:
    with tempfile.NamedTemporaryFile("w", prefix="provision-error-", suffix=".txt", delete=False) as stream:
        traceback.print_exc(file=stream)
    return SetupError(
        f"provision met a fault of its own: {type(error).__name__}: {error}",
        where=str(Path(stream.name)),
        hint="please report it with that file; nothing was changed by this message",
    )


if __name__ == "__main__":
    main()
