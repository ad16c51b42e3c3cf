"""`provision model`: the update every few months: a candidate against what is served, then into its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.choices import Client, Json, Lab, Profile, Settings, read_options
from provision.cli.deploy import asking, tell
from provision.cli.pilot import Tests
from provision.pipeline.options import refuse_busy

if TYPE_CHECKING:
    from provision.models.pilot_result import Evaluation

app = typer.Typer(help="Compare a model with the one that is served, and put it in its place.", rich_markup_mode=None)
Candidate = Annotated[str, typer.Argument(help="MODEL[:QUANT] or current, with ,key=value: current,context=16384")]
Name = Annotated[str | None, typer.Option("--name", help="the model of the workload; without it the first")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask before changing anything")]


@app.command()
def evaluate(
    candidate: Candidate,
    tests: Tests,
    against: Annotated[str, typer.Option("--against", help="the baseline, written as CANDIDATE is")] = "current",
    targets: Annotated[Path | None, typer.Option("--targets", help="where the judge is named", metavar="FILE")] = None,
    name: Name = None,
    window: Annotated[bool, typer.Option("--window", help="one after the other, also where both would fit")] = False,
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Measure both on the client's own cards, side by side where they fit; then all is as the settings say."""
    options = read_options(profile, client, settings, lab)
    refuse_busy(options)
    from provision.pipeline.model_evaluate import evaluate as measure
    from provision.pipeline.model_evaluate import prepare
    from provision.ui.console import make_console
    from provision.ui.progress import ProgressView

    question = prepare(options, candidate, against, tests, targets, name)
    view = ProgressView(make_console(stderr=as_json))
    with view:
        found, path = measure(question, view.handle, asking(view, yes=yes), window=window)
    return _tell(found, path, as_json=as_json)


@app.command()
def score(
    evaluation: Annotated[str, typer.Argument(help="the id of an evaluation")],
    sheet: Annotated[Path, typer.Option("--sheet", help="the sheet that people filled in", metavar="FILE")],
    client: Client = None,
    profile: Profile = None,
    lab: Lab = False,
    as_json: Json = False,
) -> int:
    """Read people's scores into an evaluation; its verdict follows."""
    from provision.pipeline.evaluations import score_evaluation
    from provision.pipeline.options import find_client, open_chosen_workspace

    options = read_options(profile, client, None, lab)
    found, path = score_evaluation(open_chosen_workspace(options, find_client(options)), evaluation, sheet)
    return _tell(found, path, as_json=as_json)


@app.command()
def promote(
    candidate: Candidate,
    client: Client = None,
    name: Name = None,
    lab: Lab = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="also without an evaluation that says promote")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Put the candidate into the client's settings, bring it up, verify; where that fails, the old one is back."""
    options = read_options(None, client, None, lab)
    from provision.pipeline.model_promote import prepare_promotion
    from provision.pipeline.model_promote import promote as apply
    from provision.ui.console import make_console
    from provision.ui.progress import ProgressView

    promotion = prepare_promotion(options, candidate, name, anyway=anyway)
    view = ProgressView(make_console(stderr=as_json))
    with view:
        found = apply(options, promotion, view.handle, asking(view, yes=yes))
    return tell(found, as_json=as_json)


def _tell(found: Evaluation, path: Path, *, as_json: bool) -> int:
    """Exit 0 whatever the verdict is: that a candidate is worse is a result."""
    from provision.pipeline.evaluations import save_beside
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.pilot_html import render_evaluation_html
    from provision.ui.pilot_view import render_evaluation

    files = {"evaluation": str(path), "report": save_beside(path, render_evaluation_html(found))}
    sheet = path.with_suffix(".csv")
    files |= {"sheet": str(sheet)} if sheet.exists() else {}
    if as_json:
        print(to_json({"evaluation": found, "files": files}))
    else:
        make_console().print(render_evaluation(found))
        print(*(f"{key}: {file}" for key, file in files.items()), sep="\n")
    return 0
