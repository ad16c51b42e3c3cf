"""`provision pilot`: plan a rented host, run the firm's use cases side by side, read people's scores back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from provision.errors import ErrorGroup, SetupError, UsageError
from provision.models.base import Frozen
from provision.models.events import Note
from provision.models.pilot import Currency, Target, TestSet
from provision.models.pilot_result import PilotResult, Score
from provision.models.rental import RentalPlan, RentalPrice
from provision.pilot.read import read_pilot
from provision.pilot.rentals import find_rental, plan_rental
from provision.pilot.run import AT_ONCE, Asking, run_tests
from provision.pilot.sheet import needs_people, read_sheet, write_sheet
from provision.pilot.summary import summarise
from provision.pilot.verdict import decide
from provision.pilot.ways import find_ways
from provision.pipeline.options import Options, Report, choose_profile
from provision.pipeline.planning import plan_chosen
from provision.places import find_home
from provision.runner.workspace import new_run_id, write_private

RESULT, SHEET = "result.json", "sheet.csv"


class Pilot(Frozen):
    """A result and the folder that it lies in (0700); `sheet` where people have something to score."""

    result: PilotResult
    folder: str
    sheet: str | None


def run_pilot(
    tests: Path, targets: Path, report: Report, *, output: Path | None = None, at_once: int = AT_ONCE
) -> Pilot:
    """Ask every target that is compared, score, decide, keep. Nothing is written where anything of the input is wrong
    or a target does not answer. Raises ErrorGroup, UsageError."""
    test_set, named = read_pilot(tests, targets)
    compared = tuple(target for target in named if target.compared)
    if len(compared) < 2:
        hint = "name two or more targets, for example the model at home and the one in the cloud"
        raise UsageError(f"{len(compared)} target is compared, which is no comparison", where=str(targets), hint=hint)
    refuse_filled(output)
    asking = asyncio.run(
        run_tests(
            test_set,
            find_ways(named, os.environ),
            [target.name for target in compared],
            lambda text: report(Note(text=text)),
            at_once=at_once,
        )
    )
    result = make_result(tests, test_set, compared, asking, notes=tell_judge(test_set, compared))
    return keep(result, output or find_home() / "pilots" / result.id)


def make_result(
    tests_file: Path, tests: TestSet, compared: Sequence[Target], asking: Asking, *, notes: tuple[str, ...] = ()
) -> PilotResult:
    cases = summarise(tests, compared, asking.answers, asking.scores)
    return PilotResult(
        id=new_run_id(),
        created=datetime.now(UTC).replace(microsecond=0),
        tests=tests,
        tests_sha256=sha256(tests_file.read_bytes()).hexdigest(),
        targets=tuple(compared),
        answers=asking.answers,
        scores=asking.scores,
        cases=cases,
        verdict=decide(tests, compared, asking.answers, cases),
        notes=notes,
    )


def tell_judge(tests: TestSet, compared: Sequence[Target]) -> tuple[str, ...]:
    if tests.judge not in {target.name for target in compared}:
        return ()
    return (f"{tests.judge} judges and is compared: it marks its own answers too",)


def with_scores(result: PilotResult, scores: Sequence[Score]) -> PilotResult:
    """The same result with people's scores in the place of what was there; figures and verdict follow."""
    given = {score.answer: score for score in scores}
    merged = tuple(given.get(score.answer, score) for score in result.scores)
    cases = summarise(result.tests, result.targets, result.answers, merged)
    verdict = decide(result.tests, result.targets, result.answers, cases)
    return result.model_copy(update={"scores": merged, "cases": cases, "verdict": verdict})


def score_pilot(result_file: Path, sheet: Path) -> Pilot:
    """Read a filled-in sheet back. The old result survives any fault of the sheet."""
    result = read_result(result_file)
    scored = with_scores(result, read_sheet(read_sheet_text(sheet), str(sheet), result))
    return keep(scored, result_file.parent)


def read_result(path: Path) -> PilotResult:
    """Raises SetupError for a file that is no result of ours."""
    try:
        return PilotResult.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no result of a pilot"
        hint = f"give the {RESULT} that `provision pilot run` wrote"
        raise SetupError(f"the result cannot be read: {told}", where=str(path), hint=hint) from error


def read_sheet_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "save it as CSV (UTF-8)"
        raise ErrorGroup([UsageError(f"the sheet cannot be read: {told}", where=str(path), hint=hint)]) from error


def refuse_filled(output: Path | None) -> None:
    """Raises UsageError for a folder with something in it, before anybody is asked anything."""
    if output and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError("the output is not an empty folder", where=str(output), hint="name a new one")


def keep(result: PilotResult, folder: Path) -> Pilot:
    """Answers may hold what is confidential: readable by their owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / RESULT, result.model_dump_json(indent=2) + "\n")
    sheet = folder / SHEET if needs_people(result) else None
    if sheet and not sheet.exists():
        write_private(sheet, "\ufeff" + write_sheet(result))
    return Pilot(result=result, folder=str(folder), sheet=str(sheet) if sheet else None)


def save_report(pilot: Pilot, page: str) -> str:
    """Write the page beside the result; its path."""
    path = Path(pilot.folder) / "report.html"
    write_private(path, page)
    return str(path)


def plan_pilot(
    options: Options, provider: str, *, hours: float, per_hour: float | None, currency: Currency | None
) -> RentalPlan:
    """Writes nothing and asks nobody. Raises UsageError and what planning raises."""
    rental = find_rental(provider)
    if hours <= 0 or (per_hour is not None and per_hour < 0):
        raise UsageError(
            "hours and prices are not negative, and hours not 0",
            where="--hours, --per-hour",
            hint="write both as plain numbers",
        )
    if (per_hour is None) != (currency is None):
        raise UsageError(
            "a price has an amount and a currency", where="--per-hour", hint="--per-hour 2.87 --currency EUR"
        )
    today = datetime.now(UTC).date()
    chosen = choose_profile(
        options
        if options.profile or options.client
        else options.model_copy(update={"profile": _profile_of(provider, rental.profile)})
    )
    plan = plan_chosen(chosen, options)
    own = None if per_hour is None or currency is None else _own_price(per_hour, currency, today)
    return plan_rental(provider, chosen.loaded.profile, plan, hours=hours, own_price=own, today=today)


def _profile_of(provider: str, profile: str | None) -> str:
    if profile is None:
        hint = "add --profile NAME|FILE, for example --profile scaleway-h100 or one of your own"
        raise UsageError(f"no built-in profile describes a host of '{provider}'", where="--provider", hint=hint)
    return profile


def _own_price(per_hour: float, currency: Currency, today: date) -> RentalPrice:
    return RentalPrice(
        gpu="-",
        count=1,
        product="what you were offered",
        per_hour=per_hour,
        currency=currency,
        source="--per-hour",
        date=today,
    )
