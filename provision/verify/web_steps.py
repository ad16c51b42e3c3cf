"""One request, told as an observation."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from provision.models.observation_web import WebStep

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 120.0
"""A first answer may have to read a long prompt; a stuck service must still end the probe."""
NOBODY = "nobody@example.invalid"
"""Both count sign-ins per account, right and wrong together: a wrong one must not use up the administrator's."""
RATE_LIMITED = 429
PATIENCE_S = 65.0
"""n8n takes 5 sign-ins a minute and account, Open WebUI 15 in three minutes: wait for the next slot, once."""
_RETRY_S = 5.0
_DETAIL_WIDTH = 160


class _Way(httpx.HTTPTransport):
    """Goes to a site's address and asks for it, and verifies it, by its name: nobody needs a name server for that."""

    def __init__(self, address: str, verify: ssl.SSLContext) -> None:
        super().__init__(verify=verify)
        self._address = address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # The Host header stands already, and is that of the name.
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host=self._address)
        return super().handle_request(request)


def open_client(url: str, ca_file: Path | None, address: str = "") -> httpx.Client:
    """A client that trusts `ca_file` (PEM) alone, for None the system's CAs, and no proxy of the environment.

    `address`: where the name in `url` is looked for instead of asking a name server.
    Raises OSError (ssl.SSLError among them) if the CA's file cannot be read.
    """
    trust = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    return httpx.Client(
        base_url=url,
        verify=trust,
        transport=_Way(address, trust) if address else None,
        timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        trust_env=False,
        follow_redirects=False,
    )


def ask(
    client: httpx.Client, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> tuple[WebStep, dict[str, Any]]:
    """POST a JSON body; the step, and the answer's JSON object (empty where there is none)."""
    started = time.monotonic()
    try:
        response = client.post(path, json=dict(body), headers=dict(headers or {}))
    except (httpx.HTTPError, OSError) as error:
        return WebStep(error=describe(error), seconds=_since(started)), {}
    document = _read_object(response)
    detail = "" if response.is_success else _excerpt(response, document)
    return WebStep(status=response.status_code, detail=detail, seconds=_since(started)), document


def ask_patiently(
    client: httpx.Client, path: str, body: Mapping[str, Any], *, until: frozenset[int], patience_s: float = PATIENCE_S
) -> tuple[WebStep, dict[str, Any]]:
    """As `ask`, again every few seconds while the status is one of `until`, for at most `patience_s`."""
    end = time.monotonic() + patience_s
    while True:
        step, document = ask(client, path, body)
        if step.status not in until or time.monotonic() >= end:
            return step, document
        time.sleep(_RETRY_S)


def describe(error: BaseException) -> str:
    """The innermost cause, which says more than the wrapper: 'certificate verify failed', 'Connection refused'."""
    inner = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    return f"{type(error).__name__}: {inner}" if str(inner) else type(error).__name__


def _read_object(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _excerpt(response: httpx.Response, document: Mapping[str, Any]) -> str:
    text = next((str(document[key]) for key in ("detail", "message", "error") if document.get(key)), response.text)
    return " ".join(text.split())[:_DETAIL_WIDTH]


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
