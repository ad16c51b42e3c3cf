"""Evaluations of models, kept in the client's workspace beside the receipts."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from provision.errors import SetupError, UsageError
from provision.models.pilot_result import Evaluation
from provision.models.profile import WorkloadModel
from provision.pilot.compare import compare
from provision.pilot.sheet import needs_people, read_sheet, write_sheet
from provision.pipeline.pilot import read_sheet_text, with_scores
from provision.runner.workspace import Workspace, write_private


def keep_evaluation(workspace: Workspace, evaluation: Evaluation) -> Path:
    """Written as <id>.json; beside it <id>.csv where people have something to score."""
    folder = workspace.folder / "evaluations"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{evaluation.result.id}.json"
    write_private(path, evaluation.model_dump_json(indent=2) + "\n")
    sheet = path.with_suffix(".csv")
    if needs_people(evaluation.result) and not sheet.exists():
        write_private(sheet, "\ufeff" + write_sheet(evaluation.result))
    return path


def list_evaluations(workspace: Workspace) -> tuple[Evaluation, ...]:
    """The newest first. Raises SetupError for one that cannot be read."""
    files = sorted((workspace.folder / "evaluations").glob("*.json"), reverse=True)
    return tuple(_read(path) for path in files)


def find_evaluation(workspace: Workspace, slot: str, candidate: WorkloadModel) -> Evaluation | None:
    """The newest one of this candidate for this slot."""
    return next((one for one in list_evaluations(workspace) if (one.slot, one.candidate) == (slot, candidate)), None)


def score_evaluation(workspace: Workspace, id_: str, sheet: Path) -> tuple[Evaluation, Path]:
    """People's scores into an evaluation; the old one survives any fault of the sheet.

    Raises UsageError, ErrorGroup.
    """
    found = next((one for one in list_evaluations(workspace) if one.result.id == id_), None)
    if found is None:
        known = ", ".join(one.result.id for one in list_evaluations(workspace)) or "none yet"
        raise UsageError(f"there is no evaluation '{id_}'", where=str(workspace.folder), hint=f"known: {known}")
    result = with_scores(found.result, read_sheet(read_sheet_text(sheet), str(sheet), found.result))
    verdict = compare(result.tests, result.cases, verified=found.candidate_verified)
    scored = found.model_copy(update={"result": result.model_copy(update={"verdict": verdict})})
    return scored, keep_evaluation(workspace, scored)


def save_beside(path: Path, page: str) -> str:
    """Write the page beside the evaluation; its path."""
    beside = path.with_suffix(".html")
    write_private(beside, page)
    return str(beside)


def _read(path: Path) -> Evaluation:
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise SetupError("an evaluation cannot be read", where=str(path), hint="move the file away") from error
