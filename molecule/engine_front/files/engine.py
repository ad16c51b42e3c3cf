#!/usr/bin/python3
"""A stand-in engine on loopback: says what it was asked, and streams three events half a second apart."""

from __future__ import annotations

import http.server
import json
import time


class Engine(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"asked": f"{self.command} {self.path}", "origin": self.headers.get("Origin")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path != "/v1/chat/completions":
            self.do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(3):
            self.wfile.write(f"data: {number}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.5)


http.server.ThreadingHTTPServer(("127.0.0.1", 11434), Engine).serve_forever()
