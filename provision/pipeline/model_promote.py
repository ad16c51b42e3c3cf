"""`provision model promote`: the candidate into the client's settings, applied and verified; or all as before."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from provision.errors import ErrorGroup, ProvisionError, RunError, RunInterruptedError, SetupError, UsageError
from provision.models.base import Frozen
from provision.models.events import Note
from provision.models.plan import Plan, PlanChange
from provision.models.profile import WorkloadModel
from provision.pipeline.evaluations import find_evaluation
from provision.pipeline.model_spec import KEYS, find_slot, read_spec, tell
from provision.pipeline.options import Options, Report, choose_profile, open_chosen_workspace
from provision.pipeline.up import Confirm, UpResult, bring_up
from provision.profile import load_profile, read_client
from provision.profile.client_model import set_client_model
from provision.runner.lock import refuse_held
from provision.runner.workspace import Workspace, write_private


class Promotion(Frozen):
    """What is to change: the client's file as it is and as it shall be."""

    slot: str
    before: WorkloadModel
    after: WorkloadModel
    evaluation: str
    old: str
    new: str


def prepare_promotion(options: Options, candidate: str, name: str | None, *, anyway: bool) -> Promotion:
    """Nothing is written. Raises UsageError where there is no client file, the candidate is served already, or no
    evaluation says `promote` (with `anyway` that is not asked)."""
    if options.client is None:
        hint = "provision init NAME --profile PROFILE makes a client; then --client NAME"
        raise UsageError("only a client has settings of its own to change", where="the command line", hint=hint)
    if options.settings or options.profile:
        hint = "leave out --set and --profile"
        raise UsageError("promote changes the client's file and nothing else", where="the command line", hint=hint)
    chosen = choose_profile(options)
    workspace = open_chosen_workspace(options, chosen.client)
    slot = find_slot(chosen.loaded.profile.workload.models, name)
    wanted = read_spec(candidate, slot, "CANDIDATE")
    if wanted == slot:
        raise UsageError(
            f"that is served already: {tell(slot)}", where="CANDIDATE", hint="name another model or setting"
        )
    found = find_evaluation(workspace, slot.name, wanted)
    if not anyway and (found is None or found.result.verdict.outcome != "promote"):
        says = "nobody has evaluated it" if found is None else f"its evaluation says: {found.result.verdict.says}"
        hint = f"provision model evaluate {candidate} --client {chosen.client} --tests FILE; --anyway skips that"
        raise UsageError(f"'{candidate}' is not to be promoted: {says}", where="CANDIDATE", hint=hint)
    old = workspace.client_file.read_text(encoding="utf-8")
    settings = {key: getattr(wanted, key) for key in ("model", *KEYS)}
    new = set_client_model(old, slot.name, settings)
    _check(workspace, new, wanted)
    evaluation = found.result.id if found else "none (--anyway)"
    return Promotion(slot=slot.name, before=slot, after=wanted, evaluation=evaluation, old=old, new=new)


def promote(options: Options, promotion: Promotion, report: Report, confirm: Confirm) -> UpResult:
    """Change the settings, bring the stack up, verify. On any failure the old settings are put back and brought up.

    Raises ErrorGroup of RunError (exit 6) that says so; what `bring_up` raises before anything was touched.
    """
    workspace = open_chosen_workspace(options, options.client or "")
    refuse_held(workspace.lock_file)
    touched = False

    def asked(plan: Plan, changes: tuple[PlanChange, ...] | None) -> bool:
        nonlocal touched
        touched = confirm(plan, changes)
        return touched

    write_private(workspace.client_file, promotion.new)
    try:
        up = bring_up(options, report, asked)
        if not up.verified.passed:
            raise RunError("a check failed with the candidate", where=up.verified.receipt_file, hint="look there which")
    except (ProvisionError, ErrorGroup) as error:
        write_private(workspace.client_file, promotion.old)
        if not touched or isinstance(error, RunInterruptedError):
            raise
        raise _switch_back(options, workspace, promotion, report, error) from error
    except BaseException:
        # Ctrl-C and the like: the settings are the old ones again, and the next `up` brings the stack back to them.
        write_private(workspace.client_file, promotion.old)
        raise
    _note(workspace, promotion, "promoted")
    return up


def _switch_back(
    options: Options, workspace: Workspace, promotion: Promotion, report: Report, error: ProvisionError | ErrorGroup
) -> ErrorGroup:
    causes = error.errors if isinstance(error, ErrorGroup) else (error,)
    report(Note(text=f"the candidate failed ({causes[0].what.splitlines()[0]}): switching back"))
    try:
        back = bring_up(options, report, lambda *_: True)
    except (ProvisionError, ErrorGroup) as again:
        _note(workspace, promotion, "failed, not switched back")
        more = again.errors if isinstance(again, ErrorGroup) else (again,)
        what = f"'{promotion.slot}' was not promoted, and the stack is not back either; the client's file is as before"
        return ErrorGroup(
            [_told(workspace, what, "provision up brings it back once the cause is mended"), *causes, *more]
        )
    _note(workspace, promotion, "failed, switched back")
    verdict = back.verified.signed.receipt.verdict
    baseline = tell(promotion.before)
    what = f"'{promotion.slot}' was not promoted: the baseline is served again ({baseline}), verify {verdict}"
    return ErrorGroup([_told(workspace, what, f"receipt: {back.verified.receipt_file}"), *causes])


def _told(workspace: Workspace, what: str, hint: str) -> RunError:
    return RunError(what, where=str(workspace.client_file), hint=hint)


def _check(workspace: Workspace, text: str, wanted: WorkloadModel) -> None:
    """The new file gives the candidate and nothing else. Raises SetupError where it does not; nothing was written."""
    folder = workspace.client_file.parent
    descriptor, name = tempfile.mkstemp(prefix=".promotion-", suffix=".yml", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        profile = read_client(Path(name)).profile
        models = load_profile(profile or "", client_file=Path(name)).profile.workload.models
    finally:
        Path(name).unlink()
    if wanted not in models:
        raise SetupError(
            "the client's file cannot be changed by itself",
            where=str(workspace.client_file),
            hint=f"write it yourself below workload.models.{wanted.name}: {tell(wanted)}",
        )


def _note(workspace: Workspace, promotion: Promotion, outcome: str) -> None:
    """One line per promotion, for the evidence of who changed which model when."""
    path = workspace.folder / "promotions.jsonl"
    entry = {
        "at": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "slot": promotion.slot,
        "before": tell(promotion.before),
        "after": tell(promotion.after),
        "evaluation": promotion.evaluation,
        "outcome": outcome,
    }
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    write_private(path, known + json.dumps(entry) + "\n")
