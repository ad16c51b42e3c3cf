#!/usr/bin/python3
"""Delete traces whose root began more than DAYS days ago: provision-langfuse-retention URL DAYS; 0 deletes nothing.

Langfuse's own retention needs a licence (langfuse.com/docs/administration/data-retention), its API for deletion none.
Deletion is asked for here and done by Langfuse's worker some time after. Standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.parse
import urllib.request
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

PAGE = 1000
"""The most that the API gives at once (fern/apis/server/definition/observations.yml)."""
BATCH = 50
"""Traces of one deletion; upstream names no limit, so it is small."""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One call with the project's keys, which come from the environment."""
    keys = f"{os.environ['LANGFUSE_PUBLIC_KEY']}:{os.environ['LANGFUSE_SECRET_KEY']}".encode()
    headers = {"Authorization": f"Basic {b64encode(keys).decode()}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, headers, method=method)  # noqa: S310 - the unit names it
    with _OPENER.open(request, timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def find_old(url: str, before: datetime) -> list[str]:
    """Ids of all traces whose root observation began before that moment."""
    query = {"isRootObservation": "true", "toStartTime": f"{before:%Y-%m-%dT%H:%M:%SZ}", "limit": str(PAGE)}
    traces: dict[str, None] = {}
    while True:
        page = ask(url, "GET", f"/api/public/v2/observations?{urllib.parse.urlencode(query)}")
        traces |= dict.fromkeys(row["traceId"] for row in page["data"])
        cursor = page.get("meta", {}).get("cursor")
        if not cursor:
            return list(traces)
        query["cursor"] = cursor


def main() -> None:
    url, days = sys.argv[1], int(sys.argv[2])
    if days <= 0:
        print("traces are kept for ever")
        return
    old = find_old(url, datetime.now(UTC) - timedelta(days=days))
    for start in range(0, len(old), BATCH):
        ask(url, "DELETE", "/api/public/traces", {"traceIds": old[start : start + BATCH]})
    print(f"{len(old)} traces older than {days} days: deletion asked for")


if __name__ == "__main__":
    main()
