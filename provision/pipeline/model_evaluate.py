"""`provision model evaluate`: a candidate against a baseline, on the client's own cards, with the firm's own tests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from provision.errors import ErrorGroup, PlanError, ProvisionError, RunError, RunInterruptedError, UsageError
from provision.inventory.secrets import api_key_of
from provision.models.events import Note
from provision.models.pilot import Target, TestSet
from provision.models.pilot_result import Evaluation
from provision.models.plan import Plan, PlanChange
from provision.models.profile import WorkloadModel
from provision.pilot.compare import BASELINE, CANDIDATE, compare
from provision.pilot.read import read_pilot
from provision.pilot.run import Asking, run_tests
from provision.pilot.ways import Way, find_ways, open_ways
from provision.pipeline.engine_bridge import bridge, bridge_command
from provision.pipeline.evaluations import keep_evaluation
from provision.pipeline.model_spec import find_slot, read_spec, serving, tell
from provision.pipeline.options import Options, Report, choose_profile, open_chosen_workspace
from provision.pipeline.pilot import make_result
from provision.pipeline.planning import plan_chosen
from provision.pipeline.up import Confirm, UpResult, bring_up
from provision.runner.secrets import read_secrets


class Question(NamedTuple):
    """What was asked for: the two models, the slot, the tests, who judges, and whether both may be served at once."""

    options: Options
    models: tuple[WorkloadModel, ...]
    slot: WorkloadModel
    candidate: WorkloadModel
    baseline: WorkloadModel
    tests: TestSet
    tests_file: Path
    judge: tuple[Way, ...]
    client: str


class Measured(NamedTuple):
    asking: Asking
    verified: bool


def prepare(
    options: Options, candidate: str, baseline: str, tests: Path, targets: Path | None, name: str | None
) -> Question:
    """Read and plan everything; nothing is touched. Raises ErrorGroup, PlanError where either cannot be planned."""
    test_set, named = read_pilot(tests, targets)
    chosen = choose_profile(options)
    models = chosen.loaded.profile.workload.models
    slot = find_slot(models, name)
    found = [read_spec(text, slot, where) for text, where in ((candidate, "CANDIDATE"), (baseline, "--against"))]
    if found[0] == found[1]:
        what = f"candidate and baseline are the same: {tell(found[0])}"
        raise UsageError(what, where="CANDIDATE and --against", hint="change model, quant, context, parallel or kv")
    for model in found:
        _plan(serving(options, models, slot.name, model))
    judge = find_ways([target for target in named if target.name == test_set.judge], os.environ)
    asyncio.run(_probe(judge))
    return Question(options, models, slot, found[0], found[1], test_set, tests, judge, chosen.client)


def arrange(question: Question, *, window: bool) -> tuple[Options | None, str]:
    """The options that serve both side by side, or None with the reason for one after the other."""
    if window:
        return None, "asked for by --window"
    rival = question.candidate.model_copy(update={"name": f"{question.slot.name[:34]}-next"})
    both = serving(question.options, question.models, question.slot.name, question.baseline, rival)
    try:
        _plan(both)
    except (PlanError, ErrorGroup) as error:
        first = error.errors[0] if isinstance(error, ErrorGroup) else error
        return None, f"they do not fit at once: {first.what if isinstance(first, ProvisionError) else first}"
    return both, "the planner has room for both"


def evaluate(question: Question, report: Report, confirm: Confirm, *, window: bool = False) -> tuple[Evaluation, Path]:
    """Serve, ask, and bring back what the client's settings say, whatever came of it. The result lies in the client's
    workspace.

    Raises what `bring_up` and the targets raise; ErrorGroup (exit 6) that says whether the stack is back, where
    something failed after the stack was touched.
    """
    both, because = arrange(question, window=window)
    report(Note(text=f"{'side by side' if both else 'one after the other'}: {because}"))
    touched = False

    def asked(plan: Plan, changes: tuple[PlanChange, ...] | None) -> bool:
        nonlocal touched
        touched = touched or confirm(plan, changes)
        return touched

    try:
        measured = _side_by_side(question, both, report, asked) if both else _in_turn(question, report, asked)
    except (ProvisionError, ErrorGroup) as error:
        if not touched or isinstance(error, RunInterruptedError):
            raise
        raise _back_after(question, report, error) from error
    returned = bring_up(question.options, report, _agreed)
    evaluation = _conclude(question, measured, "side by side" if both else "one after the other", because)
    if not returned.verified.passed:
        report(Note(text=f"the stack is back on its settings, and a check fails: {returned.verified.receipt_file}"))
    return evaluation, keep_evaluation(open_chosen_workspace(question.options, question.client), evaluation)


def _side_by_side(question: Question, both: Options, report: Report, confirm: Confirm) -> Measured:
    up = bring_up(both, report, confirm)
    names = {BASELINE: question.baseline.name, CANDIDATE: f"{question.slot.name[:34]}-next"}
    return Measured(_ask(question, up, names, report), up.verified.passed)


def _in_turn(question: Question, report: Report, confirm: Confirm) -> Measured:
    """A window: while one is measured, the other is not served."""
    found: list[Measured] = []
    for role, model in ((BASELINE, question.baseline), (CANDIDATE, question.candidate)):
        chosen = serving(question.options, question.models, question.slot.name, model)
        up = bring_up(chosen, report, confirm)
        found.append(Measured(_ask(question, up, {role: model.name}, report), up.verified.passed))
    answers = [answer for part in found for answer in part.asking.answers]
    scores = [score for part in found for score in part.asking.scores]
    return Measured(Asking(tuple(answers), tuple(scores)), found[-1].verified)


def _ask(question: Question, up: UpResult, names: dict[str, str], report: Report) -> Asking:
    """One request at a time over all: both models share this client's cards and processors."""
    secrets = read_secrets(open_chosen_workspace(question.options, question.client))

    async def work() -> Asking:
        async with AsyncExitStack() as stack:
            ways = []
            for role, name in names.items():
                engine = next(item for item in up.plan.asked_engines if item.served_name == name)
                socket = await stack.enter_async_context(bridge(bridge_command(up.plan, engine)))
                ways.append(Way(engine_target(role, name), secrets[api_key_of(engine).name], socket))
            return await run_tests(
                question.tests, [*ways, *question.judge], list(names), lambda text: report(Note(text=text)), at_once=1
            )

    return asyncio.run(work())


def engine_target(role: str, name: str) -> Target:
    """The address says only that it is inside: the connection goes through a bridge."""
    return Target(name=role, zone="home", base_url="http://engine/v1", model=name, timeout_s=600)


def _conclude(question: Question, measured: Measured, arrangement: str, because: str) -> Evaluation:
    targets = [engine_target(BASELINE, question.baseline.name), engine_target(CANDIDATE, question.candidate.name)]
    result = make_result(question.tests_file, question.tests, targets, measured.asking)
    verdict = compare(question.tests, result.cases, verified=measured.verified)
    return Evaluation.model_validate(
        {
            "client": question.client,
            "lab": question.options.lab,
            "slot": question.slot.name,
            "candidate": question.candidate,
            "baseline": question.baseline,
            "arrangement": arrangement,
            "arranged_because": because,
            "candidate_verified": measured.verified,
            "result": result.model_copy(update={"verdict": verdict}),
        }
    )


def _back_after(question: Question, report: Report, error: ProvisionError | ErrorGroup) -> ErrorGroup:
    """The stack as its settings say, after a failure; the errors that tell both."""
    causes = error.errors if isinstance(error, ErrorGroup) else (error,)
    report(Note(text="bringing back what the client's settings say"))
    try:
        bring_up(question.options, report, _agreed)
    except (ProvisionError, ErrorGroup) as again:
        more = again.errors if isinstance(again, ErrorGroup) else (again,)
        return ErrorGroup([_told("the stack is not back either: provision up"), *causes, *more])
    return ErrorGroup([_told("the stack is back on the client's settings"), *causes])


def _told(what: str) -> RunError:
    hint = "the causes stand below"
    return RunError(f"the evaluation came to no end; {what}", where="provision model evaluate", hint=hint)


async def _probe(ways: Sequence[Way]) -> None:
    """A judge that does not answer is told before the stack is touched."""
    async with open_ways(ways):
        pass


def _plan(options: Options) -> Plan:
    return plan_chosen(choose_profile(options), options)


def _agreed(*_: object) -> bool:
    return True
