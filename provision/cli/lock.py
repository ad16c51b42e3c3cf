"""The verb of the artifact lock."""

from __future__ import annotations

from typing import Annotated

import typer

from provision.cli.choices import Json
from provision.errors import ErrorGroup, ExitCode, UsageError


def register(app: typer.Typer) -> None:
    app.command()(lock)


def lock(
    name: Annotated[str | None, typer.Argument(help="one pinned file (default: all)")] = None,
    check: Annotated[bool, typer.Option("--check", help="only show what is pinned (the default)")] = False,
    update: Annotated[bool, typer.Option("--update", help="fetch, compare with upstream, and write lock.json")] = False,
    pin: Annotated[str | None, typer.Option("--pin", help="with --update NAME: another version of it")] = None,
    allow_young: Annotated[
        str | None,
        typer.Option("--allow-young", metavar="REASON", help="with --update NAME: take one younger than 7 days"),
    ] = None,
    as_json: Json = False,
) -> int:
    """The files and images that machines need from upstream, by published checksums. Exit 1 if one is not pinned."""
    if check and update:
        raise UsageError("--check and --update do not go together", where="lock", hint="provision lock --help")
    if pin is not None and not update:
        raise UsageError("--pin needs --update", where="lock", hint="provision lock --update NAME --pin VERSION")
    if allow_young is not None and not update:
        raise UsageError(
            "--allow-young needs --update", where="lock", hint="provision lock --update NAME --allow-young REASON"
        )
    return _update(name, pin, allow_young, as_json=as_json) if update else _show(name, as_json=as_json)


def _show(name: str | None, *, as_json: bool) -> int:
    from provision.pipeline.lock import list_images, list_locked
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.lock_view import render_images, render_lock

    images = list_images(name)
    found = () if name and images else list_locked(name)
    if as_json:
        print(to_json((*found, *images)))
    else:
        console = make_console()
        if found:
            console.print(render_lock(found))
        if images:
            console.print(render_images(images))
    resolved = {entry.status for entry in found} | {image.status for image in images} <= {"resolved"}
    return ExitCode.OK if resolved else ExitCode.CHECK_FAILED


def _update(name: str | None, pin: str | None, young: str | None, *, as_json: bool) -> int:
    from provision.pipeline.lock import overlay_file, update_lock
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.lock_view import render_changes

    done = update_lock(name, pin, young)
    if done.changes and not (as_json and done.errors):
        shown = to_json(done.changes) if as_json else None
        print(shown) if shown else make_console().print(render_changes(done.changes, str(overlay_file())))
    if done.errors:
        raise ErrorGroup(done.errors)
    return ExitCode.OK
