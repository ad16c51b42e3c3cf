"""`provision pilot`: the firm's use cases against models side by side, before anything is bought."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.choices import Client, Json, Profile, Settings, read_options
from provision.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from provision.pipeline.pilot import Pilot

app = typer.Typer(
    help="Rent before you buy: the firm's own use cases against models side by side.", rich_markup_mode=None
)
Tests = Annotated[Path, typer.Option("--tests", help="the use cases (docs/pilot.md)", metavar="FILE")]


@app.command()
def plan(
    provider: Annotated[str, typer.Option("--provider", help="lambda, runpod, scaleway, or ssh for any host")],
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    hours: Annotated[float, typer.Option("--hours", help="how long it is rented (336: two weeks)")] = 336,
    per_hour: Annotated[float | None, typer.Option("--per-hour", help="the price that you were offered")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="DKK, EUR or USD")] = None,
    as_json: Json = False,
) -> None:
    """A rented GPU host: what it must have, which commands in which order, what it costs by the hour."""
    from provision.pipeline.pilot import plan_pilot
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.rental_view import render_rental

    if currency not in (None, "DKK", "EUR", "USD"):
        raise UsageError(f"'{currency}' is no currency of this plan", where="--currency", hint="one of DKK, EUR, USD")
    options = read_options(profile, client, settings, lab=False)
    found = plan_pilot(options, provider, hours=hours, per_hour=per_hour, currency=currency)  # type: ignore[arg-type]
    print(to_json(found)) if as_json else make_console().print(render_rental(found))


@app.command()
def run(
    tests: Tests,
    targets: Annotated[Path, typer.Option("--targets", help="the models (docs/pilot.md)", metavar="FILE")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a new folder for the result")] = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=64, help="requests under way at the same time")] = 4,
    as_json: Json = False,
) -> int:
    """Ask every target, score, and say who carries which use case. A class that stays home is never sent to a cloud."""
    from provision.pipeline.pilot import run_pilot
    from provision.ui.console import make_console
    from provision.ui.progress import ProgressView

    view = ProgressView(make_console(stderr=True))
    with view:
        found = run_pilot(tests, targets, view.handle, output=output, at_once=at_once)
    return _tell(found, as_json=as_json)


@app.command()
def score(
    result: Annotated[Path, typer.Argument(help="the result.json of a run")],
    sheet: Annotated[Path, typer.Option("--sheet", help="the sheet that people filled in", metavar="FILE")],
    as_json: Json = False,
) -> int:
    """Read people's scores back; figures, verdict and report follow."""
    from provision.pipeline.pilot import score_pilot

    return _tell(score_pilot(result, sheet), as_json=as_json)


def _tell(found: Pilot, *, as_json: bool) -> int:
    """The result as a table or JSON, and beside it as a page; exit 1 where something left that must not."""
    from provision.pipeline.pilot import RESULT, save_report
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.pilot_html import render_pilot_html
    from provision.ui.pilot_view import render_pilot

    files = {"result": f"{found.folder}/{RESULT}", "report": save_report(found, render_pilot_html(found.result))}
    files |= {"sheet": found.sheet} if found.sheet else {}
    if as_json:
        print(to_json({"result": found.result, "files": files}))
    else:
        make_console().print(render_pilot(found.result))
        print(*(f"{name}: {path}" for name, path in files.items()), sep="\n")
    return ExitCode.CHECK_FAILED if found.result.verdict.outcome == "leak" else ExitCode.OK
