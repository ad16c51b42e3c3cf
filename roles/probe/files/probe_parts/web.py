"""HTTP answers."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from typing import Any

from probe_parts.told import Json, describe

HTTP_TIMEOUT_S = 10
MAX_ANSWER = 4 << 20


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer of its own, not a way to another one."""

    def redirect_request(self, *_: Any) -> None:
        return None


def request(
    url: str, *, key: str = "", body: Json | None = None, ca_file: str = "", timeout_s: float = HTTP_TIMEOUT_S
) -> tuple[int, bytes, float]:
    """Status, body and milliseconds. Any status is an answer. Raises OSError where none came."""
    context = ssl.create_default_context(cafile=ca_file or None)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), NoRedirect(), urllib.request.HTTPSHandler(context=context)
    )
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    started = time.monotonic()
    try:
        with opener.open(urllib.request.Request(url, data, headers), timeout=timeout_s) as answer:  # noqa: S310
            status, content = answer.status, answer.read(MAX_ANSWER)
    except urllib.error.HTTPError as error:
        with error:
            status, content = error.code, error.read(MAX_ANSWER)
    return status, content, round((time.monotonic() - started) * 1000, 1)


def observe_http(entry: Json) -> Json:
    expected = entry.get("expected_status", 200)
    found: Json = {"name": entry["name"], "url": entry["url"], "expected_status": expected, "ok": False}
    found.update(status=None, latency_ms=None, error=None)
    try:
        status, _, milliseconds = request(entry["url"], ca_file=entry.get("ca_file", ""))
        found.update(status=status, latency_ms=milliseconds, ok=status == expected)
    except Exception as error:
        found["error"] = describe(error)
    return found


def ask_json(url: str, key: str, body: Json | None = None, timeout_s: float = HTTP_TIMEOUT_S) -> Json:
    status, content, _ = request(url, key=key, body=body, timeout_s=timeout_s)
    if status != 200:
        raise ValueError(f"{url} answered {status}")
    answer = json.loads(content)
    if not isinstance(answer, dict):
        raise ValueError(f"{url} answered no JSON object")
    return answer
