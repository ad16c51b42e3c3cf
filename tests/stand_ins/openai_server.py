"""A stand-in of an OpenAI-compatible server for tests: lists its models, streams answers, keeps what it was asked.

With `gateway` it stands in for the decision layer: it refuses classes that stay home for models that are not there.
"""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Reply = Callable[[str, dict[str, Any]], str]
"""From the last user message and the body to the answer's text."""


@dataclass
class StandIn:
    """`asked`: every chat request, its headers under 'headers'. `zones`: of each model, for a gateway."""

    models: tuple[str, ...]
    reply: Reply
    key: str = ""
    gateway: bool = False
    zones: dict[str, str] = field(default_factory=dict)
    lies: bool = False
    """The gateway lets everything through: what a broken policy does."""
    status: int = 200
    delay_s: float = 0.0
    usage: bool = True
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def classes(self) -> set[str]:
        return {str(one["headers"].get("x-data-class")) for one in self.asked}


@contextmanager
def serve(stand_in: StandIn, tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    class Handler(_Handler):
        about = stand_in

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    stand_in.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    about: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        owner = "decision-layer" if self.about.gateway else "stand-in"
        data = [{"id": name, "object": "model", "owned_by": owner} for name in self.about.models]
        self._send_json(200 if self._knows_key() else 401, {"object": "list", "data": data})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        about = self.about
        with about.lock:
            about.asked.append({**body, "headers": headers})
            about.under_way += 1
            about.most = max(about.most, about.under_way)
            record = f"rec-{len(about.asked)}"
        try:
            time.sleep(about.delay_s)
            self._answer(body, headers, record)
        finally:
            with about.lock:
                about.under_way -= 1

    def _answer(self, body: dict[str, Any], headers: dict[str, str], record: str) -> None:
        about, data_class = self.about, headers.get("x-data-class", "")
        zone = about.zones.get(body["model"], "home")
        named = {"X-Decision-Record": record, "X-Rule": "stand-in", "X-Data-Class": data_class} if about.gateway else {}
        if about.gateway and zone != "home" and data_class != "public" and not about.lies:
            self._send_json(403, {"error": {"message": f"{data_class} stays home", "code": "refused_by_policy"}}, named)
        elif about.status != 200:
            self._send_json(about.status, {"error": {"message": "out of order"}})
        else:
            text = about.reply(body["messages"][-1]["content"], body)
            self._stream(text, {**named, **({"X-Zone": zone, "X-Model": body["model"]} if about.gateway else {})})

    def _stream(self, text: str, named: dict[str, str]) -> None:
        chunks: list[dict[str, Any]] = [
            {"choices": [{"delta": {"content": piece}, "finish_reason": None}]} for piece in (text[:3], text[3:])
        ]
        chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        if self.about.usage:
            chunks.append({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20}})
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
        content = "".join(lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(content)))
        for name, value in named.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _knows_key(self) -> bool:
        return not self.about.key or self.headers.get("Authorization") == f"Bearer {self.about.key}"

    def _send_json(self, status: int, document: object, named: dict[str, str] | None = None) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (named or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
