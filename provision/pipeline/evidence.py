"""`provision evidence`: gather what is known of a stack, refuse what does not hold, put the papers in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter
from pydantic_core import to_json

from provision import __version__
from provision.errors import ErrorGroup, ProvisionError, SetupError, UsageError
from provision.inventory.write import replace_folder
from provision.models.base import Frozen
from provision.models.papers import PaperSet
from provision.models.plan import Plan
from provision.models.report import SignedReceipt
from provision.papers.answers import Answers, read_answers, render_template
from provision.papers.audit_log import AuditFacts, AuditReading
from provision.papers.bom import build_bom, validate_bom
from provision.papers.errors import EvidenceError
from provision.papers.facts import Facts, Terms
from provision.papers.kept_logs import read_kept
from provision.papers.materials_paper import BOM_FILE
from provision.papers.paper_set import build_papers
from provision.papers.policy_file import PolicyFile, read_policy
from provision.pipeline.evidence_parts import gather_catalog, gather_files, gather_images, gather_locks
from provision.pipeline.options import Options, find_client, locate_workspace
from provision.pipeline.secrets_signing import check_own_receipt
from provision.places import REPOSITORY, find_content
from provision.runner.workspace import Workspace
from provision.verify.receipt import canonical_json

MANIFEST = "papers.json"
OTHER_FILES = (BOM_FILE, MANIFEST)
"""Beside the pages: the bill of materials, and everything that the papers say for machines."""
_OURS = "provision evidence"
_TERMS = Path(__file__).resolve().parents[1] / "papers" / "data" / "terms.yml"
DECISION_LAYER = REPOSITORY / "decision_layer" / ".venv" / "bin" / "decision-layer"
_HEX = 64


class Given(Frozen):
    """What a user hands over beyond the stack itself. `audit_key`: public key of the log, hex. `audit_source`: what the
    papers call the log's folder where `audit` is a copy."""

    answers: Path | None = None
    policy: Path | None = None
    audit: Path | None = None
    audit_source: str | None = None
    second_place: Path | None = None
    audit_key: str | None = None
    receipt: Path | None = None


class Made(Frozen):
    """Papers and a valid bill of materials; nothing is written yet. `folder` is where they belong by default."""

    papers: PaperSet
    bom: dict[str, Any]
    folder: Path


def make_papers(options: Options, given: Given) -> Made:
    """Raises ErrorGroup with everything that is wrong with the evidence; nothing is written."""
    _require_together(given)
    reading = _start_audit(given)
    try:
        made = datetime.now(UTC).replace(microsecond=0)
        workspace = locate_workspace(options, find_client(options))
        stack, policy, answers = _read_all(workspace, given, made)
        audit = reading.finish() if reading else None
        if audit and given.audit_source:
            audit = audit.model_copy(update={"directory": given.audit_source})
        reading = None
    finally:
        if reading:
            reading.stop()
    facts = _collect(*stack, made, policy, audit, answers)
    bom = build_bom(facts)
    validate_bom(bom)
    return Made(papers=build_papers(facts), bom=bom, folder=workspace.folder / "papers")


def write_papers(made: Made, rendered: Mapping[str, bytes], folder: Path | None) -> Path:
    """All files or none; the former papers survive whatever goes wrong. Raises SetupError, UsageError. Its folder."""
    place = folder or made.folder
    files = {**rendered, BOM_FILE: to_json(made.bom, indent=1) + b"\n"}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    manifest = {"written_by": _OURS, "sha256": sums, "papers": made.papers}
    _require_ours(place)
    try:
        replace_folder({**files, MANIFEST: to_json(manifest, indent=1) + b"\n"}, place)
        place.chmod(0o700)
    except OSError as error:
        raise SetupError(
            f"the papers cannot be written: {error.strerror or error}",
            where=str(place),
            hint="check that there is space and that the folder above may be written to",
        ) from error
    return place


def question_file() -> str:
    """The file of answers to fill in."""
    return render_template()


def _require_together(given: Given) -> None:
    if given.audit is None and (given.audit_key or given.second_place):
        raise UsageError(
            "--audit-key and --second-place need --audit", where="the command line", hint="add --audit FOLDER"
        )
    if given.audit is not None and len(given.audit_key or "") != _HEX:
        raise UsageError(
            "it is not known whose signature to expect on the audit log",
            where="the command line",
            hint="add --audit-key HEX: 64 hex digits, the public key that signs the log's checkpoints",
        )


def _start_audit(given: Given) -> AuditReading | None:
    if given.audit is None or given.audit_key is None:
        return None
    return AuditReading(DECISION_LAYER, given.audit, given.audit_key, given.second_place)


type _Stack = tuple[Workspace, Plan, SignedReceipt, Path]


def _read_all(workspace: Workspace, given: Given, made: datetime) -> tuple[_Stack, PolicyFile | None, Answers]:
    """Every fault of every file at once."""
    faults: list[ProvisionError] = []
    stack = _try(faults, lambda: _read_stack(workspace, given.receipt))
    chosen = given.policy
    policy = _try(faults, lambda: read_policy(chosen)) if chosen else None
    answers = _try(faults, lambda: read_answers(given.answers, made.date()))
    if faults or stack is None or answers is None:
        raise ErrorGroup(faults)
    return stack, policy, answers


def _try[T](faults: list[ProvisionError], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ErrorGroup as group:
        faults += group.errors
    except ProvisionError as error:
        faults.append(error)
    return None


def _read_stack(workspace: Workspace, chosen: Path | None) -> _Stack:
    """The plan that stands, and the receipt that speaks of it. Raises SetupError, EvidenceError, ReceiptError."""
    receipts = sorted(workspace.receipts.glob("*.json"))
    if not workspace.plan_file.exists() or (not receipts and chosen is None):
        raise SetupError(
            "there is no receipt: papers tell what was measured, and nothing was",
            where=str(workspace.receipts),
            hint="provision up, or provision verify where the stack stands (--lab for that of the lab)",
        )
    path = chosen or receipts[-1]
    if not workspace.signing_key.exists():
        raise SetupError(
            "it is not known whose signature to expect",
            where=str(workspace.signing_key),
            hint="restore it from the backup",
        )
    signed = check_own_receipt(path, workspace)
    try:
        plan = Plan.model_validate_json(workspace.plan_file.read_bytes())
    except (OSError, ValueError) as error:
        raise SetupError(
            "the saved plan cannot be read", where=str(workspace.plan_file), hint="run provision up again"
        ) from error
    if hashlib.sha256(canonical_json(plan)).hexdigest() != signed.receipt.plan_sha256:
        raise EvidenceError(
            f"receipt {signed.receipt.id} speaks of another plan than the one that stands",
            where=f"{path} and {workspace.plan_file}",
            hint="provision verify measures what stands now, and signs that; an update of provision asks for it too",
        )
    return workspace, plan, signed, path


def _collect(
    workspace: Workspace,
    plan: Plan,
    signed: SignedReceipt,
    receipt_file: Path,
    made: datetime,
    policy: PolicyFile | None,
    audit: AuditFacts | None,
    answers: Answers,
) -> Facts:
    catalog, looked_up = gather_catalog()
    roles = find_content("roles")
    terms: Any = yaml.load(_TERMS.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return Facts(
        made=made,
        version=__version__,
        plan=plan,
        plan_file=str(workspace.plan_file),
        signed=signed,
        receipt_file=str(receipt_file),
        models=catalog.models,
        looked_up=looked_up,
        files=gather_files(plan, catalog),
        images=gather_images(plan),
        locks=gather_locks(plan, catalog, roles, decision_layer=policy is not None or audit is not None),
        terms=TypeAdapter(dict[str, Terms]).validate_python(terms),
        kept=read_kept(roles),
        policy=policy,
        audit=audit,
        answers=answers,
    )


def _require_ours(folder: Path) -> None:
    """A folder that is new, empty, or holds papers of ours. Raises UsageError."""
    if not folder.is_symlink() and not folder.exists():
        return
    if folder.is_dir() and not folder.is_symlink():
        if not any(folder.iterdir()):
            return
        try:
            written = json.loads((folder / MANIFEST).read_bytes())
            if isinstance(written, dict) and written.get("written_by") == _OURS:
                return
        except (OSError, ValueError):
            pass  # no manifest of ours: told below
    raise UsageError(
        "there is already something that provision evidence did not write, so it is left alone",
        where=str(folder),
        hint="name a new or empty folder with --out",
    )
