"""What the stack answered from outside, through its gateway, and which ports answer. Times in seconds.

A step that failed is an observation with its error text; nothing is filled in. No secret is kept here.
"""

from __future__ import annotations

from provision.models.base import Frozen


class WebStep(Frozen):
    """One request. `status` None: no HTTP answer came, and `error` says why. `detail` is what was seen in it."""

    status: int | None = None
    detail: str = ""
    error: str = ""
    seconds: float = 0.0


class TlsObservation(Frozen):
    """One site, asked with the stack's own CA and again with the system's public CAs."""

    site: str
    url: str
    trusted: bool
    """The certificate is valid for this host under the stack's own CA root."""
    trusted_error: str = ""
    refused_without_ca: bool
    """The same certificate is refused by a client that does not know the stack's CA."""
    version: str = ""
    expires: str = ""


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


class WorkflowObservation(Frozen):
    run: WebStep
    answer: str = ""
    """The model's text as the workflow returned it."""
    model: str = ""
    """The model that the engine named in its answer to the workflow."""
    wrong_key: WebStep
    editor_login: WebStep
    wrong_login: WebStep


class PortScan(Frozen):
    """One machine: the TCP ports that were tried from the controller, and those that accepted a connection."""

    machine: str
    tried: tuple[int, ...]
    open: tuple[int, ...]
    error: str = ""


class WebObservation(Frozen):
    """`chat` and `workflow` are None where the plan has no such site."""

    tls: tuple[TlsObservation, ...] = ()
    chat: ChatObservation | None = None
    workflow: WorkflowObservation | None = None
    ports: tuple[PortScan, ...] = ()
    seconds: float = 0.0
