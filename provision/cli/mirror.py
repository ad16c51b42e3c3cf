"""`provision mirror`: fetch once, serve to machines that reach nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from provision.cli.choices import Client, Json, Profile, Settings, read_options
from provision.errors import ErrorGroup, UsageError

app = typer.Typer(help="Files by their sha256, for machines that reach no upstream (profile key artifact_mirror).")


@app.command()
def sync(profile: Profile = None, client: Client = None, settings: Settings = None, as_json: Json = False) -> None:
    """Fetch or build into this machine's cache all that a profile's machines will fetch."""
    from provision.pipeline.mirror import sync_mirror
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.lock_view import render_mirrored
    from provision.ui.progress import ProgressView

    with ProgressView(make_console(stderr=as_json)) as view:
        done = sync_mirror(read_options(profile, client, settings, False), view.handle)
    if not (as_json and done.errors):
        print(to_json(done.files)) if as_json else make_console().print(render_mirrored(done.files))
    if done.errors:
        raise ErrorGroup(done.errors)


@app.command()
def serve(
    listen: Annotated[str, typer.Option("--listen", help="ADDRESS:PORT of this machine", metavar="ADDRESS:PORT")],
) -> None:
    """Serve this machine's cache over plain HTTP until interrupted: who fetches checks the sha256 it was told."""
    from provision.pipeline.mirror import serve as serve_cache

    address, _, port = listen.rpartition(":")
    if not address or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"'{listen}' is no address with a port", where="--listen", hint="for example 10.0.0.5:8099")
    serve_cache(address, int(port), lambda url, count: print(f"{url}: {count} files, Ctrl-C ends it", flush=True))
