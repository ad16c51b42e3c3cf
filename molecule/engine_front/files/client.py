#!/usr/bin/python3
"""Asks a front as clients and attackers do. `client.py ADDRESS PORT`, the key on standard input.

Prints nothing and exits 0, or says at the first thing that is not as planned.
"""

from __future__ import annotations

import http.client
import json
import sys
import time

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
KEY = sys.stdin.read().strip()
WITH_KEY = {"Authorization": f"Bearer {KEY}"}


def ask(method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    link = http.client.HTTPConnection(ADDRESS, PORT, timeout=10)
    link.request(method, path, body=b"{}" if method == "POST" else None, headers=headers)
    answer = link.getresponse()
    return answer.status, answer.read()


def expect(condition: bool, what: object) -> None:
    if not condition:
        sys.exit(f"not as planned: {what}")


status, body = ask("GET", "/v1/models", {**WITH_KEY, "Origin": "https://evil.example"})
expect(status == 200 and json.loads(body) == {"asked": "GET /v1/models", "origin": None}, (status, body))
status, body = ask("GET", "//api/create/..%2f../v1/./models?x=1", WITH_KEY)
expect(status == 404 or json.loads(body)["asked"].startswith("GET /v1/models"), (status, body))
expect(ask("GET", "/api/version", {})[0] == 200, "the open path needs a key")

for said in ("", f"Bearer {KEY.upper()}", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", KEY):
    wrong = {"Authorization": said} if said else {}
    for method, path in (("GET", "/v1/models"), ("POST", "/v1/chat/completions")):
        expect(ask(method, path, wrong)[0] == 401, f"{method} {path} with a wrong key")

# Never reachable, with the key too: Ollama's and vLLM's endpoints that write, leak or load.
for method, path in (
    ("POST", "/api/create"),
    ("POST", "/api/push"),
    ("POST", "/api/pull"),
    ("POST", "/api/copy"),
    ("DELETE", "/api/delete"),
    ("HEAD", "/api/blobs/sha256:00"),
    ("POST", "/api/blobs/sha256:00"),
    ("POST", "/api/generate"),
    ("GET", "/api/tags"),
    ("POST", "/v1/load_lora_adapter"),
    ("POST", "/tokenize"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("POST", "/v1/models"),
    ("DELETE", "/v1/models"),
    ("GET", "/v1/chat/completions"),
    ("POST", "/v1/models/../../api/create"),
    ("POST", "/v1/chat/completions/../../../api/create"),
    ("POST", "/v1/chat/completions/%2e%2e/%2e%2e/%2e%2e/api/pull"),
    ("POST", "/V1/CHAT/COMPLETIONS"),
):
    expect(ask(method, path, WITH_KEY)[0] == 404, f"{method} {path}: {ask(method, path, WITH_KEY)}")

start = time.monotonic()
link = http.client.HTTPConnection(ADDRESS, PORT, timeout=10)
link.request("POST", "/v1/chat/completions", body=b"{}", headers=WITH_KEY)
stream = link.getresponse()
first = stream.readline()
expect(first == b"data: 0\n" and time.monotonic() - start < 0.4, f"first event after {time.monotonic() - start:.2f} s")
stream.read()
expect(time.monotonic() - start > 1.0, "the stand-in does not stream")
