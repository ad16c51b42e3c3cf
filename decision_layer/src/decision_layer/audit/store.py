"""The way in: `await store.decide(record)` returns once the record is on disk, or raises within a bounded time.

Nothing is dropped: an entry is stored, or its caller gets an error and must refuse the request. An error after a
timeout does not say that the entry is absent, only that nobody may rely on it; a decision without an outcome harms
nobody, an upstream byte without a decision does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from decision_layer.audit import canonical, chain, checkpointer
from decision_layer.audit.backend import Backend, DatabaseError, Helper
from decision_layer.audit.chain import Stored
from decision_layer.audit.checkpointer import Checkpointer
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.inline import InlineCommits
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.record import Decision, Entry, Following, Sealed
from decision_layer.audit.waiting import Waiting
from decision_layer.audit.writer import Writer


class Health(NamedTuple):
    """For metrics and alerts. `checkpoint_age_s` is -1 before the first; `checkpoint_error` is "" when all is well."""

    entries: int
    waiting: int
    batches: int
    stored: int
    failed: int
    checkpoint_age_s: float
    checkpoint_error: str


class AuditStore(Protocol):
    """What the gateway needs of a store."""

    async def decide(self, record: Decision, sealed: Sealed | None = None) -> Stored:
        """Store a decision; durable on return."""

    async def append(self, entry: Following, sealed: Sealed | None = None) -> Stored:
        """Store what follows a decision; durable on return."""

    def set_policy(self, sha256: str) -> None:
        """The policy that the next checkpoints name."""

    def health(self) -> Health:
        """Counters and the state of the checkpoints."""

    async def close(self) -> None:
        """Store what waits, attest it, let go of the database."""


class LogStore:
    """A log in one of the databases, and a directory with its checkpoints; open() makes it ready.

    `limit_s` bounds every wait, `max_waiting` the queue.
    """

    def __init__(
        self,
        writer: Writer,
        helpers: Sequence[Helper],
        checkpoints: Checkpointer,
        limit_s: float,
        max_waiting: int,
        *,
        is_local: bool,
    ) -> None:
        self._writer, self._helpers, self.checkpoints = writer, helpers, checkpoints
        self._limit_s, self._max_waiting = limit_s, max_waiting
        self._commits = InlineCommits(writer) if is_local else None
        self._closed = False

    @classmethod
    def open(
        cls,
        backend: Backend,
        keys: AuditKeys,
        second_place: Path | None = None,
        *,
        limit_s: float = 2.0,
        max_waiting: int = 4096,
        checkpoint_entries: int = 10_000,
        checkpoint_s: float = 60.0,
    ) -> LogStore:
        """Open or create; AuditUnavailableError when it is unusable or contradicts its checkpoints."""
        places = [backend.directory, second_place] if second_place else [backend.directory]
        try:
            writer = Writer(backend, keys, wait_s=limit_s / 2)
            checkpointer.check_start(places, backend.log, writer.last, writer.hash_at)
        except (OSError, DatabaseError) as error:
            raise chain.unavailable(error, backend.log) from error
        checkpoints = Checkpointer(
            places, keys, lambda: writer.last, every_entries=checkpoint_entries, every_s=checkpoint_s
        )
        helpers = backend.helpers(lambda: writer.last.seq)
        threads: list[Helper | Writer] = [writer, *helpers, checkpoints]
        for thread in threads:
            thread.start()
        return cls(writer, helpers, checkpoints, limit_s, max_waiting, is_local=backend.is_local)

    async def decide(self, record: Decision, sealed: Sealed | None = None) -> Stored:
        """Store a decision and its sealed part; durable on return.

        AuditUnavailableError at the latest after `limit_s`; AuditRecordError when the record itself is at fault.
        """
        return await self._put("decision", record, sealed)

    async def append(self, entry: Following, sealed: Sealed | None = None) -> Stored:
        """Store an outcome, challenge, review or approval, as decide() does."""
        return await self._put(type(entry).__name__.lower(), entry, sealed)

    def set_policy(self, sha256: str) -> None:
        """The policy that the next checkpoints name."""
        self.checkpoints.policy_sha256 = sha256

    def health(self) -> Health:
        """Counters and the state of the checkpoints."""
        own, points = self._writer, self.checkpoints
        age = time.monotonic() - points.written_at if points.written_at else -1.0
        return Health(own.last.seq, self._waiting(), own.batches, own.stored, own.failed, age, points.error)

    async def close(self) -> None:
        """Store what waits, attest it, let go; AuditUnavailableError when a place took no checkpoint."""
        if self._closed:
            return
        self._closed = True
        if self._commits:
            self._commits.pass_on()
        self._writer.submit(None)
        await asyncio.to_thread(self._writer.join)
        for helper in self._helpers:
            await asyncio.to_thread(helper.stop)
        await asyncio.to_thread(self.checkpoints.stop)

    async def _put(self, kind: str, entry: Entry, sealed: Sealed | None) -> Stored:
        body = canonical.encode(entry)
        self._refuse_if_hopeless()
        item = Waiting(kind, entry.record_id, body, sealed)
        (self._commits or self._writer).submit(item)
        timer = item.future.get_loop().call_later(self._limit_s, _expire, item.future)
        try:
            return await item.future
        except TimeoutError as error:
            raise self._too_slow(f"no answer within {self._limit_s:g} s") from error
        finally:
            timer.cancel()
            item.given_up = True

    def _refuse_if_hopeless(self) -> None:
        """Fail at once rather than after the limit where the outcome is known."""
        since = self._writer.busy_since
        if self._closed or not self._writer.is_alive():
            raise self._too_slow("the store is closed")
        if self._waiting() >= self._max_waiting:
            raise self._too_slow(f"{self._max_waiting} entries wait already")
        if since and time.monotonic() - since > self._limit_s:
            raise self._too_slow("the disk or the database does not answer")

    def _waiting(self) -> int:
        return self._writer.waiting() + (self._commits.waiting() if self._commits else 0)

    def _too_slow(self, why: str) -> AuditUnavailableError:
        return AuditUnavailableError(
            f"the audit log did not take an entry: {why}",
            where=self._writer.log,
            hint="look at the latency of disk or database: the queue must be short; requests are refused until then",
        )


def _expire(future: asyncio.Future[Stored]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())
