"""n8n as its caller meets it: the sample workflow by webhook, then the editor's sign-in. Calls as n8n 2.41.1."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import httpx

from provision.models.observation_web import WebStep, WorkflowObservation
from provision.verify.web_steps import NOBODY, RATE_LIMITED, ask, ask_patiently, describe, open_client

WEBHOOK = "/webhook/ask"
KEY_HEADER = "X-Webhook-Key"
LOGIN = "/rest/login"
REGISTRATION_S = 15.0
"""Webhooks register up to about 2 s after n8n says it is ready; a 404 within this time is not yet a failure."""
TEXT = "The invoice of the Berlin office is due on Friday."


def observe_workflow(url: str, ca_file: Path, email: str, password: str, key: str) -> WorkflowObservation:
    """Run the workflow with its key and with a wrong one; sign in as the owner and as somebody unknown."""
    try:
        client = open_client(url, ca_file)
    except OSError as error:
        step = WebStep(error=f"the CA's file cannot be read: {describe(error)}")
        return WorkflowObservation(run=step, wrong_key=step, editor_login=step, wrong_login=step)
    with client:
        run, answer = _run(client, key)
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
    )


def _run(client: httpx.Client, key: str) -> tuple[WebStep, dict[str, Any]]:
    end = time.monotonic() + REGISTRATION_S
    while True:
        step, answer = ask(client, WEBHOOK, {"text": TEXT}, {KEY_HEADER: key})
        if step.status != 404 or time.monotonic() >= end:
            return step, answer
        time.sleep(1.0)
