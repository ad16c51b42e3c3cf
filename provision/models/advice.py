"""`provision advise`: what a firm says of itself, and what is recommended, sentence by sentence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provision.models.base import Frozen
from provision.models.profile import Slug

DataClass = Literal["public", "internal", "confidential", "personal", "art9", "secrecy"]
"""Lowest first, as in the decision layer's example: a client's matter, personal data, GDPR Art. 9 and 10, secrecy."""
Zone = Literal["home", "eu-cloud", "us-cloud"]
Place = Literal["home", "eu-cloud", "us-cloud", "nowhere"]
Outcome = Literal["cloud", "hybrid", "self_hosted"]
Pattern = Literal["none", "single_worker", "multi_model_cluster", "hybrid"]
Work = Literal[
    "classification", "text_generation", "risk_flags", "compliance_reasoning", "code", "code_sovereign",
    "microsoft_365", "agents", "financial_modelling", "large_corpora", "multimodal", "chatbot", "contract_review",
    "audit_notes", "portfolio_reports", "knowledge_base", "summaries", "research", "strategy", "marketing",
]  # fmt: skip
"""The kinds of work of provision/advise/data/workloads.yml; a test holds the two together."""


class UseCase(Frozen):
    """One thing that the firm would use a model for."""

    name: Slug
    workload: Work
    data: Annotated[tuple[DataClass, ...], Field(min_length=1, max_length=6)]
    """Every class that its texts may hold; the strictest decides where it may run."""
    batch: bool = False
    """Runs by itself over many documents, not while a person waits."""


class Answers(Frozen):
    """What the recommendation rests on. Amounts are those of a month with everyone at work with it."""

    version: Literal[1] = 1
    people: Annotated[int, Field(ge=1, le=100_000)]
    """Who would use it."""
    at_once: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many of them at the same time; None: all."""
    operations: Literal["in_house", "bought", "none"]
    """Who runs Linux servers and GPUs: people of the firm, a provider, nobody."""
    site: Literal["on_premises", "rented", "either"]
    """Where a machine of the firm's own may stand."""
    cloud_dkk_per_month: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    tokens_per_month: Annotated[int, Field(ge=0, le=10**15)] | None = None
    customers_ask: bool
    """Customers ask where their data are processed."""
    on_premises_required: bool
    """A customer or a rule of the trade asks for documented processing on the firm's own premises."""
    eu_processor: Annotated[tuple[DataClass, ...], Field(max_length=6)] = ()
    """Classes that the firm itself decided may go to a provider in the EU with a data processing agreement."""
    pilot: Literal["not_run", "passed", "failed"]
    use_cases: Annotated[tuple[UseCase, ...], Field(min_length=1, max_length=50)]


class Cited(Frozen):
    """Where a rule comes from: the source's title and its section."""

    title: str
    section: str


class Statement(Frozen):
    """One sentence of the advice. `about` is a use case, a class, a model, or empty for the firm as a whole."""

    group: str
    rule: str
    about: str = ""
    text: str
    source: Cited


class Placement(Frozen):
    """Where a use case runs, and why."""

    use_case: str
    workload: Work
    data: tuple[DataClass, ...]
    strictest: DataClass
    allowed: tuple[Zone, ...]
    place: Place
    cloud_models: tuple[str, ...] = ()
    """Where it goes to a cloud: the models that the sources name and that the data's class allows."""
    local_model: str | None = None
    rules: tuple[str, ...]


class LocalModel(Frozen):
    """A model that the planner placed on the profile's cards together with the others of the advice. MiB, tokens/s."""

    name: str
    model: str
    quant: str
    context_tokens: int
    parallel: int
    on_cards_mib: int
    usable_mib: int
    decode_bound_tok_s: float | None
    port: int
    use_cases: tuple[str, ...]


class Advice(Frozen):
    """`statements` hold everything that is said, in reading order; `decisions` are those that a person must take."""

    outcome: Outcome
    centre: Literal["cloud", "self_hosted"]
    """On which side the weight lies; of a hybrid stack either."""
    triggers: tuple[int, ...]
    profile: str | None
    profile_serves_all: bool
    """False where the profile is made for fewer people than would use it at once."""
    pattern: Pattern
    pilot_first: bool
    placements: tuple[Placement, ...]
    models: tuple[LocalModel, ...]
    statements: tuple[Statement, ...]
    decisions: tuple[Statement, ...]


class RuleLine(Frozen):
    """A rule as `--explain` prints it."""

    id: str
    group: str
    when: str
    then: str
    says: str
    source: Cited
