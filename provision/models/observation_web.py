"""What the stack answered from outside, through its gateway, and which ports answer. Times in seconds.

A step that failed is an observation with its error text; nothing is filled in. No secret is kept here.
"""

from __future__ import annotations

from provision.models.base import Frozen
from provision.models.observation_decision import DecisionObservation
from provision.models.observation_step import WebStep as WebStep


class TlsObservation(Frozen):
    """One site, asked with the root that shall vouch for it, and with the system's public CAs."""

    site: str
    url: str
    trusted: bool
    """The certificate is valid for this host under that root."""
    trusted_error: str = ""
    refused_without_ca: bool
    """The same certificate is refused by a client that does not know the stack's CA."""
    version: str = ""
    expires: str = ""


class GuardObservation(Frozen):
    """One site behind a single sign-on, asked without a session."""

    site: str
    page: WebStep
    health: WebStep | None
    """None for a site without a health path: all of it is behind the sign-on."""


class ChatAnswer(Frozen):
    """One chat through Open WebUI with one model."""

    model: str
    step: WebStep
    text: str = ""
    completion_tokens: int | None = None


class ChatObservation(Frozen):
    sign_in: WebStep
    role: str = ""
    """Of the account that signed in, as Open WebUI reports it."""
    wrong_password: WebStep
    sign_up: WebStep
    models: tuple[str, ...] = ()
    answers: tuple[ChatAnswer, ...] = ()


class ClassifiedDocument(Frozen):
    """A text that the workflow was given to classify, and what came back."""

    step: WebStep
    document_class: str = ""
    summary: str = ""
    model: str = ""


class ReportedEngine(Frozen):
    """One row of the health report, as n8n's data table holds it."""

    engine: str
    healthy: bool
    answered: bool
    seconds: float
    problem: str = ""


class HealthReport(Frozen):
    step: WebStep
    engines: tuple[ReportedEngine, ...] = ()


class WorkflowObservation(Frozen):
    run: WebStep
    answer: str = ""
    """The model's text as the workflow returned it."""
    model: str = ""
    """The model that the engine named in its answer to the workflow."""
    wrong_key: WebStep
    editor_login: WebStep
    wrong_login: WebStep
    documents: tuple[ClassifiedDocument, ...] = ()
    report: HealthReport | None = None


class VectorStoreObservation(Frozen):
    """Qdrant as its own machine reached it. Statuses are HTTP's; None where no answer came, and `error` says why."""

    title: str = ""
    version: str = ""
    without_key: int | None = None
    """Of a list of its collections that was asked for without a key."""
    write_by_reader: int | None = None
    """Of a deletion that was tried with the read-only key, of a collection that does not exist."""
    points: int | None = None
    """Vectors of the document, counted with the read-only key."""
    error: str = ""


class DocumentObservation(Frozen):
    """A document that was given to Open WebUI, asked about, and removed."""

    sign_in: WebStep
    upload: WebStep
    """Includes reading, splitting and embedding it."""
    stored: VectorStoreObservation
    answer: WebStep
    text: str = ""
    sources: tuple[str, ...] = ()
    """Names of the files that the answer cites."""
    cited: str = ""
    """The passages that were given to the model."""
    removal: WebStep
    left: VectorStoreObservation
    """The store after the document was removed."""


class PanelQuery(Frozen):
    """One query of a dashboard, asked through Grafana. `series`: how many had a value at that moment."""

    dashboard: str
    query: str = ""
    series: int = 0
    error: str = ""


class DashboardsObservation(Frozen):
    """Grafana through the gateway. `anonymous` and `search` are the same call, without and with a session."""

    health: WebStep
    version: str = ""
    anonymous: WebStep
    wrong_password: WebStep
    sign_in: WebStep
    search: WebStep
    found: tuple[str, ...] = ()
    """Uids of the dashboards that are listed."""
    queries: tuple[PanelQuery, ...] = ()


class TracingObservation(Frozen):
    """Langfuse as a sender and a reader meet it: by its API, with the project's keys."""

    health: WebStep
    version: str = ""
    projects: WebStep
    """Of the list of projects, asked with the right keys."""
    project: str = ""
    wrong_key: WebStep
    """Of the same list, asked with a wrong secret key."""
    sign_up: WebStep
    sent: WebStep
    """Of one trace by OTLP over HTTP."""
    read_back: WebStep
    """Of the last time that it was asked for; `detail` has its name where it was there."""
    wait_s: float | None = None
    """From sending it to reading it; None where it did not come."""
    removed: WebStep
    decision: WebStep | None = None
    """Of the record of an answer, which the decision layer sends by itself; None where there was none to look for."""
    decision_wait_s: float | None = None
    """From then on until it was there; None where it did not come."""


class ClosedPath(Frozen):
    """A path that the gateway must not let through."""

    path: str
    step: WebStep


class ChallengeObservation(Frozen):
    """The decision layer's pages through the gateway. `review` and `approve` without a sign-in."""

    form: WebStep
    review: WebStep
    approve: WebStep
    wrong_password: WebStep
    reviewer: WebStep | None = None
    """The list of challenges, signed in as the profile's first reviewer; None where it names none."""
    closed: tuple[ClosedPath, ...] = ()


class PortScan(Frozen):
    """One machine: the TCP ports that were tried from the controller, and those that accepted a connection."""

    machine: str
    tried: tuple[int, ...]
    open: tuple[int, ...]
    error: str = ""


class WebObservation(Frozen):
    """`chat`, `workflow`, `dashboards`: None where the plan has no such site; `document`: where it has no Qdrant."""

    tls: tuple[TlsObservation, ...] = ()
    chat: ChatObservation | None = None
    workflow: WorkflowObservation | None = None
    document: DocumentObservation | None = None
    dashboards: DashboardsObservation | None = None
    sign_on: tuple[GuardObservation, ...] = ()
    """Of each site where a single sign-on is planned; chat, workflow and document are None then, since nobody who has
    no session there gets through."""
    tracing: TracingObservation | None = None
    """None where the plan has no Langfuse behind the gateway."""
    challenge: ChallengeObservation | None = None
    """None where the plan has no decision layer behind the gateway."""
    decision: DecisionObservation | None = None
    """None where the plan has no decision layer."""
    ports: tuple[PortScan, ...] = ()
    seconds: float = 0.0
