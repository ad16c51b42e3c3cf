"""The policy file's shape. Names that refer to each other are checked in `load.py`, all at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

AUTO = "auto"
"""What a client asks for to leave the choice to the rules."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}$")]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataClass(Strict):
    name: Name
    title: str
    zones: tuple[Name, ...] = Field(min_length=1)
    """Where data of this class may be computed on and kept. Nothing else is allowed."""
    approval: bool = False
    """Leaving the house needs a second person's word, given by the id of an approval in the audit trail."""


class Zone(Strict):
    name: Name
    title: str
    home: bool = False
    """On the firm's own machines: the only zones that unreadable content and doubtful requests may go to."""


class Upstream(Strict):
    """Where a model answers. The key is a file's name in the credentials folder, never the key itself."""

    api: Literal["openai", "anthropic"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+(/[^\s?#]*)?$")]
    model: str
    """The model's name there (a deployment's name on Azure)."""
    key: Name | None = None
    header: Literal["bearer", "api-key", "x-api-key"] = "bearer"
    stream_usage: bool | None = None
    """Whether a chat's stream is asked for its token count (stream_options.include_usage). False for who refuses the
    question, and then a client's own is not passed on. None: asked, but of Mistral's own API, which refuses it."""
    authority: str | None = None
    """Certificates in PEM that alone vouch for the host: a private provider's CA, or the firm's TLS inspection. None:
    the public CAs that the machine knows. Here and not in a file of its own, so that each record's policy says it."""


class Model(Strict):
    name: ModelName
    title: str
    zone: Name
    """Where it computes."""
    storage: Name | None = None
    """Where prompts and answers are kept, logs and abuse monitoring included. None: not known, so no zone allows it."""
    provider: str
    revision: str = ""
    upstream: Upstream
    endpoints: tuple[Literal["chat", "responses", "embeddings", "messages"], ...] = ("chat",)
    context: int | None = Field(default=None, gt=0)
    """Tokens; a longer request goes to the next candidate."""
    price_in: float = Field(default=0.0, ge=0)
    price_out: float = Field(default=0.0, ge=0)
    """Euro per million tokens; for budgets."""


class When(Strict):
    """All that is given must hold; an empty one always does."""

    classes: tuple[Name, ...] = ()
    steps: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clients: tuple[Name, ...] = ()
    models: tuple[ModelName, ...] = ()
    """What the client asked for: a model's name, or `auto`."""
    languages: tuple[str, ...] = ()
    """As the client told it (X-Language or metadata.language), lower case."""
    endpoints: tuple[Literal["chat", "responses", "embeddings", "messages"], ...] = ()
    tokens_over: int | None = Field(default=None, ge=0)
    tokens_up_to: int | None = Field(default=None, gt=0)
    """Estimated size of the request: characters divided by 4."""


class Rule(Strict):
    name: Name
    title: str
    when: When = When()
    to: tuple[ModelName, ...] = Field(min_length=1)
    """First choice and fallbacks, in this order. Each is checked against the data's class again before it is used."""
    budget: Name | None = None
    approval: bool = False
    """Nothing is answered by this rule, not even at home, before a second person's word for that very request."""


class Budget(Strict):
    name: Name
    euro_per_day: float = Field(gt=0)
    """Of what the rules with this budget spend outside the house. Once spent, home models alone are used."""


class Client(Strict):
    """Who may ask. The key itself lies in the credentials folder under `key`."""

    name: Name
    key: Name
    label: Name | None = None
    """Data class of a request without a label of its own."""
    groups: tuple[str, ...] = ()
    models: tuple[ModelName, ...] = ()
    """Models that it may name; empty: all. `auto` is always open."""
    requests_per_minute: int = Field(default=600, gt=0)
    concurrent: int = Field(default=16, gt=0)
    queue: int = Field(default=32, ge=0)
    """Requests over `concurrent` that wait in line, first come first served; one more is refused (429)."""
    queue_seconds: float = Field(default=30.0, gt=0)
    """A request that has waited so long is refused (429)."""
    trusted_user: bool = False
    """It may say for whom it asks (Open WebUI does: X-OpenWebUI-User-Email, X-OpenWebUI-Chat-Id)."""


class Person(Strict):
    """Signs in to the pages with this name and the key that lies in the credentials folder."""

    name: Name
    key: Name
    users: tuple[str, ...] = ()
    """Under which names (mail addresses) this person asks: nobody approves their own request. The name above, and an
    address that begins with it, are known anyway."""


class Limits(Strict):
    body_bytes: int = Field(default=8 * 1024 * 1024, gt=0)
    text_chars: int = Field(default=2_000_000, gt=0)
    """More text than this is not read by the detectors: the request is refused."""
    detection_seconds: float = Field(default=2.0, gt=0)


class SecondStage(Strict):
    """A model at home reads what would leave, before it leaves. It can only raise the class."""

    model: ModelName
    when: Literal["unlabelled", "always"] = "unlabelled"
    """`unlabelled`: neither the request nor its client's key has a label. `always`: labelled ones too."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """Later is too late: the request stays at home."""
    chars: int = Field(default=32_000, gt=0)
    """Longer text is not put to it; that request stays at home."""


class Policy(Strict):
    format: Literal[1]
    name: Name
    version: int = Field(gt=0)
    classes: tuple[DataClass, ...] = Field(min_length=2)
    """Lowest first. A conversation never drops below the highest that it has held."""
    default_class: Name
    zones: tuple[Zone, ...] = Field(min_length=1)
    findings: dict[str, Name]
    """A detector's kind (or a prefix and `*`) to the class that it makes of the text; the longest match wins."""
    second_stage: SecondStage | None = None
    opaque: Name
    """Class of what cannot be read: images, audio, PDF, unknown parts."""
    models: tuple[Model, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = Field(min_length=1)
    clients: tuple[Client, ...] = ()
    reviewers: tuple[Person, ...] = ()
    """Decide challenges. Who approved a decision cannot review it."""
    approvers: tuple[Person, ...] = ()
    """The second pair of eyes for classes and rules with `approval`."""
    budgets: tuple[Budget, ...] = ()
    limits: Limits = Limits()
