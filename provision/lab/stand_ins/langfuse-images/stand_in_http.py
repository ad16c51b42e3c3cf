"""What the stand-ins' HTTP servers have in common: answers as JSON or bytes, one thread per request."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


class Handler(BaseHTTPRequestHandler):
    """Hands each request to `answer(method, path, query, headers, body)` of the server."""

    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, found = self.server.answer(self.command, parts.path, query, self.headers, body)  # type: ignore[attr-defined]
        except Exception as error:
            print(f"{self.command} {parts.path}: {type(error).__name__}: {error}")
            status, found = 500, {"message": "Internal Server Error"}
        payload = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if isinstance(found, bytes) else "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a health check every few seconds would fill the log."""


def make_server(address: str, port: int, answer: Any) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((address, port), Handler)
    server.answer = answer  # type: ignore[attr-defined]
    return server
