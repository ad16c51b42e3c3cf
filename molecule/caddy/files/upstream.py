#!/usr/bin/python3
"""What stands behind the gateway in the checks: a slow event stream, a websocket handshake, and an echo of headers.

`upstream.py sign-on`: a single sign-on instead, which knows one session.
"""

from __future__ import annotations

import http.server
import json
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(self.rfile.read(4))
            return
        if self.path.startswith("/stream"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for number in range(3):
                self.wfile.write(f"data: {number}\n\n".encode())
                self.wfile.flush()
                time.sleep(0.5)
            return
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Set-Cookie", "session=canary-cookie-out")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class SignOn(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers.get("Cookie") == "session=canary-session" and self.path == "/verify"
        self.send_response(200 if known else 302)
        self.send_header(*(("Remote-User", "person") if known else ("Location", "https://auth.molecule.lab/")))
        self.send_header("Content-Length", "0")
        self.end_headers()


if sys.argv[1:] == ["sign-on"]:
    http.server.ThreadingHTTPServer(("0.0.0.0", 9091), SignOn).serve_forever()  # noqa: S104
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()  # noqa: S104
