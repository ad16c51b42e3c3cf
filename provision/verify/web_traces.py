"""Langfuse as its callers meet it: keys, a closed sign-up, and a trace that is sent, read back and deleted.

Calls as Langfuse 4 (langfuse-docs, upgrade-v3-to-v4.mdx): OTLP over HTTP in, the v2 API of observations out.
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import httpx

from provision.models.observation_web import TracingObservation, WebStep
from provision.verify.web_steps import NOBODY, ask, describe, open_client

INGEST, OBSERVATIONS, TRACES = "/api/public/otel/v1/traces", "/api/public/v2/observations", "/api/public/traces"
PROJECTS, HEALTH, SIGN_UP = "/api/public/projects", "/api/public/health", "/api/auth/signup"
NAME = "provision verify"
PATIENCE_S = 60.0
"""Queue and write interval are seconds; without the header of version 4 it would be ten minutes."""
_RETRY_S = 1.0


def observe_tracing(
    url: str, ca_file: Path | None, public_key: str, secret_key: str, address: str = "", record: str = ""
) -> TracingObservation:
    """Everything about traces. The keys come without upstream's prefixes, as the vault has them.

    `record`: id of an answer that the decision layer gave, which then must be there too; "" for none.
    """
    try:
        client = open_client(url, ca_file, address)
    except OSError as error:
        step = WebStep(error=f"the CA's file cannot be read: {describe(error)}")
        return TracingObservation(
            health=step, projects=step, wrong_key=step, sign_up=step, sent=step, read_back=step, removed=step
        )
    right = httpx.BasicAuth(f"pk-lf-{public_key}", f"sk-lf-{secret_key}")
    wrong = httpx.BasicAuth(f"pk-lf-{public_key}", f"sk-lf-{secrets.token_urlsafe(24)}")
    with client:
        health, about = _call(client, "GET", HEALTH)
        projects, found = _call(client, "GET", PROJECTS, auth=right)
        wrong_key, _ = _call(client, "GET", PROJECTS, auth=wrong)
        sign_up, _ = ask(
            client, SIGN_UP, {"name": "Nobody", "email": NOBODY, "password": f"Aa1!{secrets.token_hex(12)}"}
        )
        trace = secrets.token_hex(16)
        sent, _ = _call(
            client,
            "POST",
            INGEST,
            auth=right,
            json=_describe_trace(trace),
            headers={"x-langfuse-ingestion-version": "4"},
        )
        read_back, wait_s = _read_back(client, right, trace)
        removed, _ = _call(client, "DELETE", TRACES, auth=right, json={"traceIds": [trace]})
        # Without a trace of the caller's own, the decision layer makes the trace's id of the record's (audit/otlp.py).
        of_record = _read_back(client, right, record.replace("-", "")) if record else (None, None)
    listed = found.get("data") or [{}]
    return TracingObservation(
        health=health,
        version=str(about.get("version") or ""),
        projects=projects,
        project=str(listed[0].get("name") or ""),
        wrong_key=wrong_key,
        sign_up=sign_up,
        sent=sent,
        read_back=read_back,
        wait_s=wait_s,
        removed=removed,
        decision=of_record[0],
        decision_wait_s=of_record[1],
    )


def _read_back(client: httpx.Client, keys: httpx.BasicAuth, trace: str) -> tuple[WebStep, float | None]:
    started = time.monotonic()
    while True:
        step, found = _call(client, "GET", OBSERVATIONS, auth=keys, params={"traceId": trace})
        rows = [row for row in found.get("data") or () if row.get("traceId") == trace]
        waited = time.monotonic() - started
        if rows:
            return step.model_copy(update={"detail": str(rows[0].get("name") or "")}), round(waited, 3)
        if waited >= PATIENCE_S or step.status != 200:
            return step, None
        time.sleep(_RETRY_S)


def _describe_trace(trace: str) -> dict[str, Any]:
    """One span of OTLP in its JSON form: ids in hexadecimal, times as text (opentelemetry.io, OTLP/HTTP)."""
    now = time.time_ns()
    span = {
        "traceId": trace,
        "spanId": secrets.token_hex(8),
        "name": NAME,
        "kind": 1,
        "startTimeUnixNano": str(now - 1_000_000),
        "endTimeUnixNano": str(now),
        "attributes": [{"key": "langfuse.environment", "value": {"stringValue": "provision"}}],
    }
    service = {"key": "service.name", "value": {"stringValue": "provision"}}
    scope = {"scope": {"name": "provision"}, "spans": [span]}
    return {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [scope]}]}


def _call(client: httpx.Client, method: str, path: str, **request: Any) -> tuple[WebStep, dict[str, Any]]:
    started = time.monotonic()
    try:
        answer = client.request(method, path, **request)
        found = answer.json() if answer.content else {}
    except (httpx.HTTPError, OSError) as error:
        return WebStep(error=describe(error), seconds=round(time.monotonic() - started, 3)), {}
    except ValueError:
        found = {}
    document = found if isinstance(found, dict) else {}
    detail = "" if answer.is_success else str(document.get("message") or answer.reason_phrase)[:160]
    return WebStep(status=answer.status_code, detail=detail, seconds=round(time.monotonic() - started, 3)), document
