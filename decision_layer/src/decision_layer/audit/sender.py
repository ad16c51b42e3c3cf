"""Sends records to Langfuse in the background. Nothing waits for it and nothing fails with it.

The store is the queue: the sender remembers up to which seq all is sent and reads on from there, after a restart too.
What lies further behind than `max_behind` entries is skipped and counted, never kept in memory.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from decision_layer.audit import otlp
from decision_layer.audit.backend import Backend
from decision_layer.audit.errors import AuditError
from decision_layer.audit.reader import Found, LogReader
from decision_layer.audit.record import Decision, Outcome

log = logging.getLogger(__name__)
PATH = "/api/public/otel/v1/traces"
CURSOR = "otlp-sent"
# The server has looked at these and will not take them another time; 401, 403, 404 are ours to correct, so they wait.
_HOPELESS = {400, 413, 415, 422}


class Target(NamedTuple):
    """Langfuse: base url, public and secret key of the project."""

    url: str
    public_key: str
    secret_key: str

    def headers(self) -> dict[str, str]:
        """Basic auth; version 4 of the ingestion shows data at once rather than after ten minutes."""
        word = base64.b64encode(f"{self.public_key}:{self.secret_key}".encode()).decode()
        return {
            "Authorization": f"Basic {word}",
            "Content-Type": "application/json",
            "x-langfuse-ingestion-version": "4",
        }


class OtlpSender:
    """start() and stop() it in the gateway's loop. `sent` and `dropped` count; `error` is "" while all is well."""

    def __init__(
        self,
        backend: Backend,
        target: Target,
        *,
        max_behind: int = 100_000,
        at_once: int = 200,
        every_s: float = 2.0,
        limit_s: float = 10.0,
    ) -> None:
        self._reader, self._target = LogReader(backend), target
        self._cursor_file = backend.directory / CURSOR
        self._max_behind, self._at_once, self._every_s = max_behind, at_once, every_s
        self._limit_s = limit_s
        self._task: asyncio.Task[None] | None = None
        self.sent_seq = self._read_cursor()
        self.sent = self.dropped = 0
        self.error = ""

    def start(self) -> None:
        """Begin; the caller's loop runs it."""
        self._task = asyncio.create_task(self._run(), name="otlp-sender")

    async def stop(self) -> None:
        """End without sending the rest: it is sent after the next start."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        wait_s = self._every_s
        while True:
            try:
                more = await self._step()
                self._note("")
                wait_s = self._every_s
            except (AuditError, HTTPException, OSError, msgspec.MsgspecError) as error:
                self._note(f"{type(error).__name__}: {error}")
                more = False
                wait_s = min(wait_s * 2, 60.0)
            await asyncio.sleep(0 if more else wait_s)

    def _note(self, error: str) -> None:
        """In the journal once, however often it is tried."""
        if error and error != self.error:
            log.warning("records are not sent to %s, it is tried again: %s", self._target.url, error)
        elif self.error and not error:
            log.warning("records are sent to %s again", self._target.url)
        self.error = error

    async def _step(self) -> bool:
        """Send the next rows; whether there may be more."""
        seq, spans, skipped = await asyncio.to_thread(self._next)
        self.dropped += skipped
        if spans:
            await self._post(spans)
        advanced = seq != self.sent_seq
        if advanced:
            self.sent_seq = seq
            await asyncio.to_thread(self._write_cursor)
        return advanced

    async def _post(self, spans: list[tuple[Decision, Outcome | None]]) -> None:
        newest = spans[-1][0]
        body = otlp.request([otlp.span(*one) for one in spans], newest.host, newest.software_version)
        status, answer = await asyncio.to_thread(self._send, msgspec.json.encode(body))
        if status in _HOPELESS:
            self.dropped += len(spans)
            return
        if not 200 <= status < 300:
            raise HTTPException(f"Langfuse answered {status}")
        refused = _refused(answer)
        self.sent, self.dropped = self.sent + len(spans) - refused, self.dropped + refused

    def _send(self, body: bytes) -> tuple[int, bytes]:
        """In a thread. Follows no redirect, which could lead out of the house, and no proxy of the environment."""
        base = urlsplit(self._target.url.rstrip("/"))
        kind = HTTPSConnection if base.scheme == "https" else HTTPConnection
        with contextlib.closing(kind(base.hostname or "", base.port, timeout=self._limit_s)) as link:
            link.request("POST", base.path + PATH, body, self._target.headers())
            answer = link.getresponse()
            return answer.status, answer.read()

    def _next(self) -> tuple[int, list[tuple[Decision, Outcome | None]], int]:
        """(seq to go on from, what to send, entries skipped) - in a thread, because it reads the disk."""
        start = max(self.sent_seq, self._reader.last_seq() - self._max_behind)
        seq, spans = start, []
        for row in self._reader.after(start, self._at_once):
            seq = row.seq
            pair = self._pair(row)
            if pair:
                spans.append(pair)
        return seq, spans, start - self.sent_seq

    def _pair(self, row: Found) -> tuple[Decision, Outcome | None] | None:
        """A refusal stands alone; any other decision goes with its outcome."""
        entry = row.entry
        if isinstance(entry, Decision):
            return (entry, None) if entry.effect == "refuse" else None
        if not isinstance(entry, Outcome):
            return None
        first = next(iter(self._reader.of(entry.record_id)), None)
        decision = first.entry if first else None
        return (decision, entry) if isinstance(decision, Decision) and decision.effect != "refuse" else None

    def _read_cursor(self) -> int:
        try:
            return int(self._cursor_file.read_text("ascii"))
        except (OSError, ValueError):
            return 0  # from the start: what was sent already has the same ids

    def _write_cursor(self) -> None:
        fresh = self._cursor_file.with_name(f".{CURSOR}.{os.getpid()}")
        fresh.write_text(str(self.sent_seq), "ascii")
        fresh.rename(self._cursor_file)


def _refused(answer: bytes) -> int:
    """partialSuccess.rejectedSpans of an ExportTraceServiceResponse."""
    with contextlib.suppress(msgspec.MsgspecError, ValueError, AttributeError):
        said: Any = msgspec.json.decode(answer)
        return int(said.get("partialSuccess", {}).get("rejectedSpans", 0))
    return 0
