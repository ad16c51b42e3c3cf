#!/usr/bin/env python3
"""A stand-in for a model engine: speaks the part of OpenAI's HTTP interface that the applications use.

It has no model: every answer is "stand-in: " and the last message. Asked for JSON by a schema (`response_format`), it
chooses the schema's first class that the last message names; a message that asks for it is answered with a class that
is not in the schema, or with no JSON at all, as a server would that does not know the field. Only Molecule scenarios
of the applications use it, where a real llama.cpp would make the test of another role's parts. Standard library only,
since it runs on the target's own Python.

    STAND_IN_KEY=... python3 stand_in_engine.py ADDRESS PORT
"""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "stand-in"
KEY = os.environ["STAND_IN_KEY"]
UNLISTED = "answer outside the list"
NO_JSON = "answer in prose"


class Engine(BaseHTTPRequestHandler):
    """GET /health without a key; GET /v1/models and POST /v1/chat/completions with `Authorization: Bearer KEY`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
        elif self.is_allowed():
            known = self.path == "/v1/models"
            models = {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "stand-in"}]}
            self.answer(200 if known else 404, models if known else {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not self.is_allowed():
            return
        if self.path != "/v1/chat/completions":
            self.answer(404, {})
            return
        request = json.loads(body)
        last = str(request["messages"][-1]["content"])
        text = write_document(request["response_format"], last) if "response_format" in request else f"stand-in: {last}"
        if request.get("stream"):
            self.stream(text)
        else:
            self.answer(200, complete(text))

    def is_allowed(self) -> bool:
        """Answer 401 to a wrong key."""
        if self.headers.get("Authorization") == f"Bearer {KEY}":
            return True
        self.answer(401, {"error": {"message": "wrong key", "code": 401}})
        return False

    def answer(self, status: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, text: str) -> None:
        """The answer in two server-sent events and the end mark; the connection's end is the body's."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for delta, reason in (({"role": "assistant", "content": text}, None), ({}, "stop")):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            chunk = {"id": "stand-in", "object": "chat.completion.chunk", "model": MODEL, "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


def write_document(response_format: dict[str, Any], last: str) -> str:
    """What a model would write under this schema of {summary, class}. Raises KeyError where it is another."""
    classes: list[str] = response_format["json_schema"]["schema"]["properties"]["class"]["enum"]
    if NO_JSON in last:
        return "I think that this is an invoice."
    chosen = "love letter" if UNLISTED in last else next((name for name in classes if name in last), classes[-1])
    return json.dumps({"summary": f"stand-in: {last[:80]}", "class": chosen})


def complete(text: str) -> dict[str, Any]:
    """A whole chat completion, as OpenAI's reference describes it."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "stand-in",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Engine).serve_forever()
