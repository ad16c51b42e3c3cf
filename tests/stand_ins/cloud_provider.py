"""A stand-in of a cloud provider: OpenAI's chat completions over TLS, whole or streamed, for one model and one key.

It keeps every byte that reached its socket, before TLS is taken off, and what was in it after: so "the provider saw
nothing" is a count of bytes, and not what a handler was called with. The answer's text is `ANSWER`.
"""

from __future__ import annotations

import http.server
import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

ANSWER = "answered by the stand-in of a cloud provider"
_USAGE = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}


@dataclass
class Provider:
    """`wire`: bytes off the socket, TLS and all, of every connection. `plain`: the same without TLS."""

    key: str
    wire: bytearray = field(default_factory=bytearray)
    plain: bytearray = field(default_factory=bytearray)
    callers: list[str] = field(default_factory=list)
    """Addresses of those who connected."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the chats that came with the right key."""

    def forget(self) -> None:
        for kept in (self.wire, self.plain, self.callers, self.asked):
            kept.clear()


class _Unwrapped(io.RawIOBase):
    """A TLS server's side of a connection that writes down both what came and what was in it."""

    def __init__(self, connection: socket.socket, tls: ssl.SSLContext, kept: Provider) -> None:
        self._connection, self._kept = connection, kept
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.wrap_bio(self._in, self._out, server_side=True)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            try:
                data = self._tls.read(len(buffer))
            except ssl.SSLWantReadError:
                self._pump()
                continue
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0
            self._kept.plain += data
            buffer[: len(data)] = data
            return len(data)

    def write(self, data: Any) -> int:
        sent = self._tls.write(data)
        self._connection.sendall(self._out.read())
        return sent

    def _pump(self) -> None:
        self._connection.sendall(self._out.read())
        came = self._connection.recv(65536)
        self._kept.wire += came
        if came:
            self._in.write(came)
        else:
            self._in.write_eof()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider
    tls: ssl.SSLContext

    def setup(self) -> None:
        self.connection = self.request
        self.connection.settimeout(30)
        self.provider.callers.append(self.client_address[0])
        wire = _Unwrapped(self.connection, self.tls, self.provider)
        self.rfile, self.wfile = io.BufferedReader(wire), io.BufferedWriter(wire)  # type: ignore[assignment]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != f"Bearer {self.provider.key}":
            self._send(401, "application/json", json.dumps({"error": {"message": "wrong key"}}))
            return
        if self.path != "/v1/chat/completions":
            self._send(404, "application/json", json.dumps({"error": {"message": "unknown path"}}))
            return
        self.provider.asked.append(body)
        if body.get("stream"):
            self._send(200, "text/event-stream", "".join(_events(body["model"])))
        else:
            self._send(200, "application/json", json.dumps(_whole(body["model"])))

    def _send(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that breaks off, or does not believe the certificate, is no fault of this server."""


def _whole(model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [choice],
        "usage": _USAGE,
    }


def _events(model: str) -> Iterator[str]:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": model}
    for word in ANSWER.split(" "):
        delta = {"role": "assistant", "content": f"{word} "}
        yield f"data: {json.dumps({**head, 'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n"
    yield f"data: {json.dumps({**head, 'choices': [{'index': 0, 'delta': {}, 'finish_reason': 'stop'}]})}\n\n"
    yield f"data: {json.dumps({**head, 'choices': [], 'usage': _USAGE})}\n\n"
    yield "data: [DONE]\n\n"


@contextmanager
def serve_provider(provider: Provider, address: str, port: int, tls: ssl.SSLContext) -> Iterator[int]:
    """Its port, which is `port` or, for 0, a free one."""

    class Handler(_Handler):
        pass

    Handler.provider, Handler.tls = provider, tls
    server = _Server((address, port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
