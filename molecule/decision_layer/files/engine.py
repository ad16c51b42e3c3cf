#!/usr/bin/python3
"""A stand-in engine on loopback: answers a chat with the headers' names that it was sent, and whether its key came."""

from __future__ import annotations

import http.server
import json

KEY = "Bearer molecule-canary-engine-4b7e"


class Engine(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        keyed = "with its key" if self.headers.get("Authorization") == KEY else "without its key"
        body = {
            "id": "c1",
            "object": "chat.completion",
            "created": 0,
            "model": "chat",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": keyed}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


http.server.ThreadingHTTPServer(("127.0.0.1", 8081), Engine).serve_forever()
