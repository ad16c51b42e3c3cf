#!/usr/bin/python3
"""A stand-in of llama-server's /metrics: text for its key alone."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization") == "Bearer canary-engine-4712" and self.path == "/metrics"
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(b"llamacpp:prompt_tokens_total 42\n" if allowed else b"")


HTTPServer((sys.argv[1], 8081), Handler).serve_forever()
