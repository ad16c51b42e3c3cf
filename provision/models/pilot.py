"""What a pilot is asked to do: the firm's own use cases, and the models that answer them side by side.

Seconds are seconds, prices are per million tokens in the currency that is named, quality is 0 to 1.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provision.models.base import FilePath, Frozen
from provision.models.profile import Slug

Scoring = Literal["exact", "rubric", "human"]
DataClass = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=400)]
BaseUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$", max_length=300)
]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,80}$")]
Currency = Literal["DKK", "EUR", "USD"]


class Question(Frozen):
    """One prompt. `expected`: answers that count as right (scoring exact). `rubric`: what a good answer has."""

    ask: LongText
    expected: Annotated[tuple[LongText, ...], Field(max_length=20)] = ()
    rubric: LongText | None = None


class UseCase(Frozen):
    """One use case of the firm; all of its questions have one data class and are scored in one way."""

    name: Slug
    title: ShortText
    data_class: DataClass
    task: DataClass | None = None
    """Goes along as X-Task-Type."""
    scoring: Scoring
    match: Literal["whole", "contains"] = "whole"
    """Scoring exact: the answer is an expected one, or has it in it. Case and white space do not count."""
    system: LongText | None = None
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] = 512
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=50)]


class Accept(Frozen):
    """What the firm wants of every use case. Latencies are medians; None is not asked."""

    quality: Annotated[float, Field(ge=0, le=1)]
    first_token_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    total_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    quality_loss: Annotated[float, Field(ge=0, le=1)] = 0.0
    """By how much a candidate may be worse than its baseline in a use case."""


class TestSet(Frozen):
    """3 to 5 use cases. What is in no class of `may_leave` is never sent to a cloud."""

    __test__ = False  # no test of pytest's

    name: Slug
    judge: Slug | None = None
    """The target that scores answers by their rubric."""
    repeats: Annotated[int, Field(ge=1, le=20)] = 1
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    may_leave: Annotated[tuple[DataClass, ...], Field(max_length=32)] = ()
    accept: Accept
    cases: Annotated[tuple[UseCase, ...], Field(min_length=3, max_length=5)]


class Price(Frozen):
    """Per million tokens; `source` and `date` say where it stands and when it was read."""

    currency: Currency
    input_per_million: Annotated[float, Field(ge=0, le=100_000)]
    output_per_million: Annotated[float, Field(ge=0, le=100_000)]
    source: ShortText
    date: datetime.date


class Target(Frozen):
    """One model behind an OpenAI-compatible address.

    `gateway`: the address is the decision layer at home, which judges every request by its policy, whatever `zone`
    the named model is in. Otherwise a target in the zone cloud gets nothing but the classes that may leave.
    """

    name: Slug
    zone: Literal["home", "cloud"]
    base_url: BaseUrl
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    gateway: bool = False
    home_zones: Annotated[tuple[Slug, ...], Field(max_length=16)] = ("home",)
    """What the decision layer calls its zones at home (X-Zone)."""
    key_env: Variable | None = None
    key_file: FilePath | None = None
    ca_file: FilePath | None = None
    compared: bool = True
    """False: it only judges."""
    at_once: Annotated[int, Field(ge=1, le=64)] = 1
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    price: Price | None = None


class Targets(Frozen):
    targets: Annotated[tuple[Target, ...], Field(min_length=1, max_length=16)]
