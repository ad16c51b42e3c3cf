"""n8n as its caller meets it: the sample workflows by webhook, then the editor's sign-in. Calls as n8n 2.41.1."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import httpx

from provision.models.observation_web import (
    ClassifiedDocument,
    HealthReport,
    ReportedEngine,
    WebStep,
    WorkflowObservation,
)
from provision.models.plan import Site
from provision.verify.web_steps import NOBODY, RATE_LIMITED, ask, ask_patiently, describe, open_client

WEBHOOK = "/webhook/ask"
CLASSIFY = "/webhook/classify"
REPORT = "/webhook/health-report"
KEY_HEADER = "X-Webhook-Key"
LOGIN = "/rest/login"
REGISTRATION_S = 15.0
"""Webhooks register up to about 2 s after n8n says it is ready; a 404 within this time is not yet a failure."""
TEXT = "The invoice of the Berlin office is due on Friday."
DOCUMENTS = (
    "Invoice 2207. For 14 office chairs we charge 2,380.00 EUR. Please pay within 30 days.",
    "Dear Sir or Madam, the lift has been out of order for three weeks and nobody answers my letters. I demand that "
    "it is repaired this week.",
)
"""Two unlike texts: an answer that is always the same is not the model's."""


def observe_workflow(site: Site, ca_file: Path | None, email: str, password: str, key: str) -> WorkflowObservation:
    """Run the workflow with its key and with a wrong one; sign in as the owner and as somebody unknown."""
    try:
        client = open_client(site.url, ca_file, site.address)
    except OSError as error:
        step = WebStep(error=f"the CA's file cannot be read: {describe(error)}")
        return WorkflowObservation(run=step, wrong_key=step, editor_login=step, wrong_login=step)
    with client:
        run, answer = _call(client, WEBHOOK, {"text": TEXT}, key)
        documents = tuple(_classify(client, key, text) for text in DOCUMENTS)
        report = _report(client, key)
        wrong_key, _ = ask(client, WEBHOOK, {"text": TEXT}, {KEY_HEADER: secrets.token_urlsafe(24)})
        right = {"emailOrLdapLoginId": email, "password": password}
        login, _ = ask_patiently(client, LOGIN, right, until=frozenset({RATE_LIMITED}))
        client.cookies.clear()
        wrong = {"emailOrLdapLoginId": NOBODY, "password": secrets.token_urlsafe(12)}
        wrong_login, _ = ask(client, LOGIN, wrong)
    return WorkflowObservation(
        run=run,
        answer=str(answer.get("answer") or ""),
        model=str(answer.get("model") or ""),
        wrong_key=wrong_key,
        editor_login=login,
        wrong_login=wrong_login,
        documents=documents,
        report=report,
    )


def _classify(client: httpx.Client, key: str, text: str) -> ClassifiedDocument:
    step, answer = _call(client, CLASSIFY, {"text": text}, key)
    said = {name: str(answer.get(name) or "") for name in ("class", "summary", "model")}
    return ClassifiedDocument(
        step=step, document_class=said["class"], summary=" ".join(said["summary"].split()), model=said["model"]
    )


def _report(client: httpx.Client, key: str) -> HealthReport:
    step, answer = _call(client, REPORT, {}, key)
    try:
        rows = tuple(
            ReportedEngine(**{name: row[name] for name in ReportedEngine.model_fields}) for row in answer["engines"]
        )
    except (KeyError, TypeError, ValueError):
        return HealthReport(step=step)
    return HealthReport(step=step, engines=rows)


def _call(client: httpx.Client, path: str, body: dict[str, str], key: str) -> tuple[WebStep, dict[str, Any]]:
    end = time.monotonic() + REGISTRATION_S
    while True:
        step, answer = ask(client, path, body, {KEY_HEADER: key})
        if step.status != 404 or time.monotonic() >= end:
            return step, answer
        time.sleep(1.0)
