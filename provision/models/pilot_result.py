"""What a pilot found: every answer, how it was scored, each use case per target, and the verdict with its rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from provision.models.base import Frozen
from provision.models.pilot import DataClass, Target, TestSet
from provision.models.profile import WorkloadModel

Fate = Literal["answered", "refused", "failed", "left-home"]
Standing = Literal["passes", "fails", "refused", "failed", "open"]


class Answer(Frozen):
    """One request and what came of it.

    `first_token_s` and `total_s` are from sending the request; tokens are as the server counts them, None where it
    does not say; `cost` is in the currency of the target's price, None without a price or a count.
    """

    target: str
    case: str
    question: int
    repeat: int
    data_class: DataClass
    fate: Fate
    reason: str = ""
    refused_by: Literal["", "provision", "decision layer"] = ""
    record: str = ""
    rule: str = ""
    zone: str = ""
    model: str = ""
    text: str = ""
    cut: bool = False
    """The answer ended at max_tokens."""
    first_token_s: float | None = None
    total_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None

    @property
    def id(self) -> str:
        return f"{self.case}/{self.question + 1}/{self.repeat + 1}/{self.target}"


class Score(Frozen):
    """`value` 0 to 1; None: nobody has scored it yet, and `reason` says why."""

    answer: str
    value: Annotated[float, Field(ge=0, le=1)] | None
    by: str
    reason: str = ""


class Rule(Frozen):
    """One condition: what was asked, what was measured, whether it held (None: not known yet)."""

    name: str
    asked: str
    measured: str
    held: bool | None


class CaseSummary(Frozen):
    """One use case at one target. Latencies are medians of the answered requests; `quality` is the mean of scores."""

    case: str
    target: str
    asked: int
    answered: int
    refused: int
    failed: int
    scored: int
    quality: float | None
    first_token_s: float | None
    total_s: float | None
    input_tokens: int
    output_tokens: int
    cost: float | None
    currency: str | None
    standing: Standing
    rules: tuple[Rule, ...]


class Verdict(Frozen):
    """The outcome in one word, in one sentence, and the rules that gave it."""

    outcome: Literal["home", "hybrid", "cloud", "gaps", "open", "leak", "promote", "keep"]
    says: str
    rules: tuple[Rule, ...]


class PilotResult(Frozen):
    """`targets` have no key in them: only the name of the variable or file that holds it."""

    format: Literal[1] = 1
    id: str
    created: datetime
    tests: TestSet
    tests_sha256: str
    targets: tuple[Target, ...]
    answers: tuple[Answer, ...]
    scores: tuple[Score, ...]
    cases: tuple[CaseSummary, ...]
    verdict: Verdict
    notes: tuple[str, ...] = ()


class Evaluation(Frozen):
    """A candidate measured against a baseline on the client's own cards."""

    format: Literal[1] = 1
    client: str
    lab: bool
    slot: str
    """The model of the workload that the candidate would take the place of."""
    candidate: WorkloadModel
    baseline: WorkloadModel
    arrangement: Literal["side by side", "one after the other"]
    arranged_because: str
    candidate_verified: bool
    """Whether the stack passed verification with the candidate."""
    result: PilotResult
