"""Detection beside the event loop: long texts always, short ones while many requests come.

A text of 2 kB takes as long to read as all else that a request needs of the loop. With another process that reads, two
cores are used, and a text that hangs is ended with it; a thread would keep the interpreter to itself. Where few ask,
the loop reads short texts itself, because the way there and back costs more than it saves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import cast

import msgspec

from decision_layer.gateway.scan_process import SIZE_BYTES, TOO_LONG, Asked, Told, frame
from decision_layer.parts import Finding, Part

log = logging.getLogger(__name__)
ARGV = (sys.executable, "-m", "decision_layer.gateway.scan_process")
_AGAIN_S, _GRACE_S = 0.2, 1.0
_MANY, _BUSY = 8, 0.5
"""Over so many requests the loop had so much of its time to compute: others wait for it."""
_decoder = msgspec.msgpack.Decoder(Told)


class ScanFailedError(Exception):
    """A detector raised, or the process ended while it read this text."""


class ScannerLostError(Exception):
    """The process ended before it read this text."""


class Task:
    """One text that somebody waits for."""

    __slots__ = ("future", "long")

    def __init__(self, future: asyncio.Future[Told], *, long: bool) -> None:
        self.future, self.long = future, long


class Scanner(asyncio.Protocol):
    """One process at a time, another one where that ends. `lost` counts those that ended by themselves or had to be."""

    def __init__(self, argv: Sequence[str] = ()) -> None:
        self._argv = argv or ARGV
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._tasks: deque[Task] = deque()
        self._arrivals: deque[tuple[float, float]] = deque([(0.0, 0.0)], maxlen=_MANY)
        self._data = bytearray()
        self._closed = False
        self._cores = len(os.sched_getaffinity(0))
        self.ready = asyncio.Event()
        self.lost = 0

    async def start(self) -> None:
        """Begin one; `ready` is set once it reads. Where that fails it is tried again."""
        self._loop = asyncio.get_running_loop()
        here, there = socket.socketpair()
        with there:
            argv = [*self._argv, str(there.fileno())]
            try:  # without an environment: what it does not need it shall not have
                self._process = subprocess.Popen(argv, pass_fds=[there.fileno()], stdin=subprocess.DEVNULL, env={})
            except OSError as error:
                here.close()
                log.error("no process can be started that runs the detectors: %s", error)
                self._loop.call_later(_AGAIN_S, self._start_again)
                return
        await self._loop.create_unix_connection(lambda: self, sock=here)

    def is_better(self) -> bool:
        """Whether a short text that has come now is better read there."""
        now, computed = time.monotonic(), time.thread_time()
        begun, before = self._arrivals[0]
        self._arrivals.append((now, computed))
        busy = self._cores > 1 and computed - before > _BUSY * (now - begun)
        return busy and self.ready.is_set() and not any(task.long for task in self._tasks)

    async def scan_long(self, parts: Sequence[Part], limit_s: float) -> tuple[Finding, ...]:
        """Findings of a text for which nobody else is to wait; it waits for the process itself. TimeoutError,
        ScanFailedError."""
        until = self._loop.time() + limit_s
        while True:
            async with asyncio.timeout_at(until):
                await self.ready.wait()
            with contextlib.suppress(ScannerLostError):
                return await self.scan(parts, limit_s, until - self._loop.time(), long=True)

    async def scan(
        self, parts: Sequence[Part], seconds: float, limit_s: float, *, long: bool = False
    ) -> tuple[Finding, ...]:
        """Findings of what was read there. `seconds` bounds the reading, `limit_s` the wait; TimeoutError where one of
        them ran out, ScanFailedError, ScannerLostError."""
        if self._transport is None:
            raise ScannerLostError
        task = Task(self._loop.create_future(), long=long)
        self._tasks.append(task)
        self._transport.write(frame(Asked(tuple(parts), seconds)))
        timer = self._loop.call_later(limit_s, self._give_up, task)
        told = await task.future  # where a client leaves the timer stays: it ends what hangs though nobody waits
        timer.cancel()
        if told.fault:
            raise TimeoutError if told.fault == TOO_LONG else ScanFailedError
        return told.findings

    def close(self) -> None:
        self._closed = True
        self.ready.clear()
        if self._transport is not None:
            self._transport.close()
        self._end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none of asyncio's classes

    def data_received(self, data: bytes) -> None:
        self._data += data
        at = 0
        while len(self._data) - at >= SIZE_BYTES:
            end = at + SIZE_BYTES + int.from_bytes(self._data[at : at + SIZE_BYTES], "little")
            if len(self._data) < end:
                break
            self._take(_decoder.decode(self._data[at + SIZE_BYTES : end]))
            at = end
        del self._data[:at]

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """What it was reading is not read again: it may be what ended it. The others are read again or elsewhere."""
        self.ready.clear()
        self._transport = None
        self._data.clear()
        waiting = [task.future for task in self._tasks]
        self._tasks.clear()
        for number, future in enumerate(waiting):
            if not future.done():
                future.set_exception(ScannerLostError() if number else ScanFailedError())
        if not self._closed:
            self.lost += 1
            log.error("the process that runs the detectors ended; another one is started")
            self._loop.call_later(_AGAIN_S, self._start_again)

    def _take(self, told: Told) -> None:
        if not self.ready.is_set():
            self.ready.set()
            return
        future = self._tasks.popleft().future
        if not future.done():
            future.set_result(told)

    def _give_up(self, task: Task) -> None:
        if not task.future.done():
            task.future.set_exception(TimeoutError())
        self._loop.call_later(_GRACE_S, self._end_if_hanging, task)

    def _end_if_hanging(self, task: Task) -> None:
        """Its own alarm did not end it: its process does."""
        if task in self._tasks:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start_again(self) -> None:
        self._end()
        if not self._closed:
            self._starting = asyncio.ensure_future(self.start())
