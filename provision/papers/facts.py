"""Everything that the papers may say, read before the first of them is written, and how each thing is cited."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from provision.models.artifact import NodeArtifact
from provision.models.base import Frozen
from provision.models.catalog import Artifact, ModelEntry
from provision.models.image import ContainerImage
from provision.models.papers import Kind, Row, Source
from provision.models.plan import EngineInstance, Plan
from provision.models.report import CheckResult, SignedReceipt
from provision.papers.answers import Answers, Question, load_questions
from provision.papers.audit_log import AuditFacts
from provision.papers.locked_packages import LockFile
from provision.papers.policy_file import PolicyFile

AI_ACT = "Regulation (EU) 2024/1689 (AI Act)"
GDPR = "Regulation (EU) 2016/679 (GDPR)"
OMNIBUS = (
    "Regulation (EU) 2026/1744 (Digital Omnibus on AI), as told by secondary sources in provision's research; its text"
    " was not read"
)


class Terms(Frozen):
    """A service's licence. None: nobody has looked it up."""

    licence: str | None
    source: str
    read: date
    restrictions: tuple[str, ...] = ()


class KeptLog(Frozen):
    """How long one kind of record is kept by default. `service` None: on every machine. `field`: where that is set."""

    what: str
    service: str | None
    limit: str
    field: str


class Facts(Frozen):
    """`*_file` are paths as people know them. `looked_up`: when the catalogue's licences of models were."""

    made: datetime
    version: str
    plan: Plan
    plan_file: str
    signed: SignedReceipt
    receipt_file: str
    models: dict[str, ModelEntry]
    looked_up: str
    files: dict[str, Artifact | NodeArtifact]
    """Every fetched file of the stack by its name in a lock."""
    images: dict[str, ContainerImage]
    locks: tuple[LockFile, ...]
    terms: dict[str, Terms]
    kept: tuple[KeptLog, ...]
    policy: PolicyFile | None
    audit: AuditFacts | None
    answers: Answers

    @property
    def read(self) -> str:
        """The date of what has none of its own: when it was read."""
        return f"read {self.made:%Y-%m-%d}"

    def of_receipt(self, field: str) -> Source:
        receipt = self.signed.receipt
        return Source(what=f"receipt {receipt.id}, {field}", at=f"{receipt.created:%Y-%m-%d %H:%M} UTC")

    def of_check(self, check: CheckResult) -> Source:
        return self.of_receipt(f"check {check.id}" + (f" on {check.machine}" if check.machine else ""))

    def of_plan(self, field: str) -> Source:
        """A plan has no date; the receipt names it by its hash."""
        receipt = self.signed.receipt
        return Source(
            what=f"plan.json, {field}",
            at=f"sha256 {receipt.plan_sha256[:12]} in the receipt of {receipt.created:%Y-%m-%d}",
        )

    def of_policy(self, field: str) -> Source:
        if self.policy is None:
            raise ValueError("no policy was given")
        what = f"policy {self.policy.policy.name} version {self.policy.policy.version}, {field}"
        return Source(what=what, at=f"sha256 {self.policy.sha256[:12]}, {self.read}")

    def of_file(self, what: str) -> Source:
        return Source(what=what, at=self.read)

    def of_model(self, entry: ModelEntry, field: str) -> Source:
        source = entry.sources.get(field, entry.source)
        return Source(what=f"model catalogue, {entry.id}.{field}: {source}", at=self.looked_up)

    def running(self, engine: EngineInstance) -> str:
        """The model that an engine really has, and in the lab what it stands for."""
        name = self.models[engine.model].name if engine.model in self.models else engine.model
        return f"{name} {engine.quant}" + (
            f" (simulated: stands for {engine.wanted_model})" if engine.simulated else ""
        )

    def ask(self, question_id: str) -> Row:
        """A person's answer, or that there is none. Cells: topic, statement."""
        question = load_questions()[question_id]
        answer = self.answers.given.get(question_id)
        asked = _law_of(question)
        if answer is None:
            return Row(kind="decide", cells=(question.topic, question.question), sources=(asked,))
        said = (
            {True: "Yes", False: "No"}.get(answer.answer, str(answer.answer))
            if isinstance(answer.answer, bool)
            else answer.answer
        )
        reason = f" Reason: {answer.reason}" if answer.reason else ""
        text = f"{question.question} {said}.{reason}" if question.kind == "yes_no" else f"{said}{reason}"
        told = Source(what=f"{self.answers.path}, {question_id}, answered by {answer.by}", at=answer.day.isoformat())
        return Row(kind="stated", cells=(question.topic, text), sources=(told, asked))


def row(kind: Kind, *cells: str, source: Source | tuple[Source, ...]) -> Row:
    return Row(kind=kind, cells=cells, sources=source if isinstance(source, tuple) else (source,))


def filled(facts: Facts, rows: Iterable[Row], columns: int) -> tuple[Row, ...]:
    """The rows, or one that says that there are none."""
    none = row(
        "planned", "none", *["nothing of this kind is planned"] * (columns - 1), source=facts.of_plan("services")
    )
    return tuple(rows) or (none,)


def law(act: str, article: str, at: str = "") -> Source:
    """`at`: since when it applies, where that is sure; else the day of the act's own text."""
    return Source(what=f"{act}, {article}", at=at or ("of 2016-04-27" if act == GDPR else "of 2024-06-13"))


def _law_of(question: Question) -> Source:
    acts = [act for short, act in (("AI Act", AI_ACT), ("GDPR", GDPR)) if short in question.law]
    return Source(
        what=f"{question.law}: {' and '.join(acts)}", at="of 2016-04-27" if acts == [GDPR] else "of 2024-06-13"
    )
