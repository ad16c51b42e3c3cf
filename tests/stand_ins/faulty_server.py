"""A web server that serves one file, and fails in the way it is told to; it knows ranges, as upstream's do."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DRIP = 64
DRIP_S = 0.1


class FaultyServer(ThreadingHTTPServer):
    """`fault`: '' (none), 'corrupt' (one byte), 'truncated' (half a file that says it is whole), 'cut' (never more than
    half of what it announced), 'reset' (the same once, by a reset of the connection), 'slow', 'unsized' (whole, but its
    length is not told), or a status as '503'."""

    daemon_threads = True

    def __init__(self, content: bytes, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _Handler)
        self.content = content
        self.fault = ""
        self.ranges: list[str | None] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}/file"

    def handle_error(self, *_: Any) -> None:
        """Silent: a client that goes away is what several tests are about."""

    def body(self) -> bytes:
        middle = len(self.content) // 2
        if self.fault == "corrupt":
            wrong = bytes([self.content[middle] ^ 1])
            return self.content[:middle] + wrong + self.content[middle + 1 :]
        return self.content[:middle] if self.fault == "truncated" else self.content


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        if server.fault.isdecimal():
            self.send_error(int(server.fault))
            return
        body = server.body()
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start and start >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        if server.fault == "unsized":
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self._send(body[start:], max(len(body) // 2 - start, 0))

    def _send(self, body: bytes, half: int) -> None:
        fault = self.server.fault
        if fault == "slow":
            for place in range(0, len(body), DRIP):
                if self.server.closing.wait(DRIP_S):
                    return
                self.wfile.write(body[place : place + DRIP])
            return
        if fault == "cut":
            self.wfile.write(body[:half])
            return
        if fault != "reset":
            self.wfile.write(body)
            return
        self.server.fault = ""
        self.wfile.write(body[:half])
        self.wfile.flush()
        time.sleep(0.5)  # Else the reset overtakes what was sent.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            """The client, or the reset, closed the connection first."""

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def serve_faulty(content: bytes, address: str = "127.0.0.1") -> Iterator[FaultyServer]:
    with FaultyServer(content, address) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def closed_port(address: str = "127.0.0.1") -> int:
    """A port where nobody listens."""
    with socket.socket() as taken:
        taken.bind((address, 0))
        return int(taken.getsockname()[1])
