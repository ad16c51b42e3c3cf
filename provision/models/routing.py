"""What a profile says of models outside the house: which there are, where they compute and keep data, who may use them.

The names are those of the decision layer's policy (decision_layer/src/decision_layer/policy/shape.py), which follows.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provision.models.base import FilePath, Frozen
from provision.models.units import Tokens

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
PolicyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}$")]
PolicyTitle = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,80}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$")]
CloudUrl = Annotated[
    str,
    StringConstraints(pattern=rf"^https://{_LABEL}(\.{_LABEL})+(:[0-9]{{1,5}})?(/[A-Za-z0-9._~-]+)*$", max_length=300),
]
CloudEndpoint = Literal["chat", "responses", "embeddings", "messages"]
_Words = Annotated[tuple[Word, ...], Field(max_length=64)]
_Names = Annotated[tuple[PolicyName, ...], Field(max_length=16)]


class CloudZone(Frozen):
    """Somewhere that is not the firm's own."""

    name: PolicyName
    title: PolicyTitle
    """What people read beside a model's name."""


class CloudModel(Frozen):
    """One model of a provider. Its key is the secret decision_layer_key_<key>, which `provision secrets set` takes."""

    name: ModelName
    title: PolicyTitle
    provider: PolicyName
    zone: PolicyName
    """Where it computes."""
    storage: PolicyName | None = None
    """Where prompts and answers are kept, logs included; None: not known, and then no class may go there."""
    api: Literal["openai", "anthropic"] = "openai"
    url: CloudUrl
    """Of the API, without a slash at the end: .../v1."""
    model: ModelName
    """Its name there."""
    addresses: Annotated[tuple[IPv4Address, ...], Field(min_length=1, max_length=64)]
    """Of the URL's host: machines ask no foreign name server, and the firewall lets out to these alone."""
    key: PolicyName
    header: Literal["bearer", "api-key", "x-api-key"] = "bearer"
    authority: FilePath | None = None
    """PEM file whose certificates alone vouch for the URL's host: a private provider's CA, or the firm's own TLS
    inspection. None: the public CAs that the machine knows."""
    endpoints: Annotated[tuple[CloudEndpoint, ...], Field(min_length=1, max_length=4)] = ("chat",)
    context: Tokens | None = None
    price_in: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    price_out: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """Euro per million tokens, of the contract; 0 counts nothing towards a budget."""


class CloudClass(Frozen):
    """A class of data, and the zones outside that may have it; at home everything may be."""

    name: Literal["public", "internal", "confidential", "personal", "art9", "secrecy"]
    zones: _Names
    approval: bool = False
    """It leaves the house only with an approver's word."""


class RuleWhen(Frozen):
    """All that is given must hold."""

    classes: _Names = ()
    steps: _Words = ()
    tasks: _Words = ()
    users: _Words = ()
    clients: _Names = ()
    languages: _Names = ()


class CloudRule(Frozen):
    """Before the last rule, which sends everything to the firm's own models."""

    name: PolicyName
    title: PolicyTitle
    when: RuleWhen = RuleWhen()
    to: Annotated[tuple[ModelName, ...], Field(min_length=1, max_length=16)]
    """First choice and fallbacks, own models among them."""
    budget: PolicyName | None = None


class SecondStage(Frozen):
    """A model of the firm's own reads what would leave, before it leaves. It only raises a class."""

    model: ModelName
    """Its name in `workload.models`; it writes text."""
    when: Literal["unlabelled", "always"] = "unlabelled"
    """`unlabelled`: what neither the request nor its client's key has a label for. `always`: labelled ones too."""
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Without an answer by then, or with one that names no class, the request stays at home."""


class CloudBudget(Frozen):
    name: PolicyName
    euro_per_day: Annotated[float, Field(gt=0, le=1_000_000)]


class Routing(Frozen):
    """Without it everything is answered at home, and the decision layer's machine has no way out."""

    policy: FilePath | None = None
    """The firm's own policy, in the decision layer's shape (decision_layer/docs/policy.schema.json). Its classes,
    zones, findings, rules and budgets take the place of those below; models, clients and people stay the profile's."""
    default_class: Literal["internal", "confidential", "personal", "art9", "secrecy"] = "internal"
    """Of a request without a label in which nothing was found."""
    zones: Annotated[tuple[CloudZone, ...], Field(max_length=8)] = ()
    models: Annotated[tuple[CloudModel, ...], Field(max_length=32)] = ()
    classes: Annotated[tuple[CloudClass, ...], Field(max_length=6)] = ()
    rules: Annotated[tuple[CloudRule, ...], Field(max_length=64)] = ()
    budgets: Annotated[tuple[CloudBudget, ...], Field(max_length=16)] = ()
    second_stage: SecondStage | None = None
    reviewers: _Names = ()
    """Who decides challenges. Each signs in with the secret decision_layer_person_<name>."""
    approvers: _Names = ()
    """Who lets data of a class with `approval` leave. Who approved a decision does not review it."""
    audit: Literal["sqlite", "postgresql"] = "sqlite"
    """Where the record of decisions is kept: on the decision layer's own disk, or in the stack's PostgreSQL."""
    retain_days: Annotated[int, Field(ge=184, le=36_500)] | None = None
    """After so many days the contents of records are taken out, every night; None: they stay until somebody removes
    them. At least six months (AI Act Art. 19(1), 26(6)); where another law demands less, it is done by hand."""
