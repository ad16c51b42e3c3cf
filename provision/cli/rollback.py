"""The verb that takes a service back to the release it had before."""

from __future__ import annotations

from typing import Annotated

import typer

from provision.cli.choices import Client, Json, Lab, Profile, Settings, read_options
from provision.cli.deploy import asking, tell
from provision.pipeline.options import refuse_busy


def register(app: typer.Typer) -> None:
    app.command()(rollback)


def rollback(
    service: Annotated[str, typer.Argument(help="for example n8n")],
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    undo: Annotated[bool, typer.Option("--undo", help="let the service go on with the planned release")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before changing anything")] = False,
    as_json: Json = False,
) -> int:
    """Bring one service back to the release it had before, and hold it there. Its data stay as they are now."""
    options = read_options(profile, client, settings, lab)
    refuse_busy(options)
    from provision.pipeline.rollback import roll_back
    from provision.ui.console import make_console
    from provision.ui.progress import ProgressView

    view = ProgressView(make_console(stderr=as_json))
    with view:
        result = roll_back(options, service, view.handle, asking(view, yes=yes), undo=undo)
    return tell(result, as_json=as_json)
