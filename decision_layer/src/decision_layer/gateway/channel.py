"""One HTTP/1.1 connection to an upstream: a request goes out, its answer comes in piece by piece.

The parsing is llhttp's (httptools); what is here is only what waits for what. In profiles of the whole gateway (py-spy,
by time with the interpreter) a hop took 21 % with aiohttp's client and takes 5 % with this; alone, 324 us of processor
time against 78 in the same run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

_PAUSE_BYTES = 256 * 1024
"""So much of an answer is held for a client that reads slowly; then the upstream has to wait."""
_HEAD_BYTES = 64 * 1024


class BrokenError(Exception):
    """The upstream did not answer, or not to the end. The text is a code for records: no byte of the upstream's."""


class Answer:
    """`status` and `headers` (names in lower case) are there once head() is over; then read() until it gives b""."""

    def __init__(self, channel: Channel) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.complete = False
        self.release: Callable[[], None] | None = None
        """Who takes the connection back once the answer was read to its end."""
        self._channel, self._loop = channel, channel.loop
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._has_head = False
        self._error: BrokenError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def head(self, limit_s: float) -> None:
        """Raises BrokenError."""
        while not self._has_head:
            await self._wait(limit_s)

    async def read(self, limit_s: float) -> bytes:
        """All that has come since; b"" at the end. Raises BrokenError where it ends too early or stays silent."""
        while not self._chunks:
            if self.complete:
                return b""
            await self._wait(limit_s)
        data = self._chunks.popleft() if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        self._channel.resume()
        return data

    def close(self) -> None:
        """The connection is kept for the next request if the answer was read to its end, and cut if not."""
        if self._channel.let_go(self) and self.release is not None:
            self.release()

    async def _wait(self, limit_s: float) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(limit_s, self.fail, "timeout")
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.status, self.headers, self._has_head = status, headers, True
        self._wake()

    def take(self, data: bytes) -> bool:
        """Whether the upstream has to wait."""
        self._chunks.append(data)
        self._held += len(data)
        self._wake()
        return self._held > _PAUSE_BYTES

    def finish(self) -> None:
        self.complete = True
        self._wake()

    def fail(self, code: str) -> None:
        if not self.complete and self._error is None:
            self._error = BrokenError(code)
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Channel(asyncio.Protocol):
    """A connection that carries one request at a time; `usable` while it may carry another one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.usable = True
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: Answer | None = None
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._in_head = True
        self._paused = False

    def ask(self, request: bytes) -> Answer:
        """Send a whole request. The answer is the caller's to close()."""
        answer = self._answer = Answer(self)
        if self._transport is None or not self.usable:
            answer.fail("reset")
        else:
            self._transport.write(request)
        return answer

    def let_go(self, answer: Answer) -> bool:
        """Whether the connection can carry another request; it is cut if not."""
        if self._answer is not answer:
            return False
        self._answer = None
        self.resume()
        if answer.complete and self.usable:
            self.idle_since = self.loop.time()
            return True
        self.cut()
        return False

    def cut(self) -> None:
        """At once: what the upstream still computes is for nobody."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.complete:  # nobody asked: whatever it is, it belongs to no request
            self.cut()
            return
        if self._in_head:
            if self._head_bytes > _HEAD_BYTES:
                self._spoil()
                return
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._spoil()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        answer, self._transport = self._answer, None
        if answer is None:
            return
        if exc is None and answer.status and not self._in_head and self._ends_with_connection():
            answer.finish()
        else:
            answer.fail("reset")

    def _open_answer(self) -> Answer | None:
        """None, and the end of this connection, where more comes than was asked for."""
        if self._answer is None or self._answer.complete:
            self.usable = False
            return None
        return self._answer

    def _ends_with_connection(self) -> bool:
        return "content-length" not in self._headers and "transfer-encoding" not in self._headers

    def _spoil(self) -> None:
        if self._answer is not None:
            self._answer.fail("malformed")
        self.cut()

    # llhttp

    def on_message_begin(self) -> None:
        self._headers, self._head_bytes, self._in_head = {}, 0, True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status, answer = self._parser.get_status_code(), self._open_answer()
        if status >= 200 and answer is not None:  # before it may come 100 and 103, each a message of its own
            self._in_head = False
            answer.begin(status, self._headers)

    def on_body(self, body: bytes) -> None:
        answer = self._open_answer()
        if answer is not None and answer.take(body) and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._in_head or self._answer is None:
            return
        self.usable = self.usable and self._parser.should_keep_alive()
        self._answer.finish()
