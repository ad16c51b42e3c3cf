"""The one thread that writes: it takes all that waits, stores it in one statement with one fsync, and answers everyone.

One statement per batch matters twice: it is one transaction, and the driver gives up the interpreter lock once per
statement, so that a busy event loop cannot keep a batch waiting row by row.

The statement inserts only on top of the row that the writer knows as the last, so that a second process (erasure,
retention, another gateway) can append too: whoever comes second reads the new last row and stamps again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections import defaultdict

from decision_layer.audit import chain
from decision_layer.audit.append import MAX_BATCH, Item, insert, read_last
from decision_layer.audit.backend import Backend, DatabaseError, NotUniqueError
from decision_layer.audit.chain import Stored
from decision_layer.audit.errors import AuditError, AuditRecordError, AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.keytable import KeyTable
from decision_layer.audit.record import Sealed

log = logging.getLogger(__name__)
_TRIES = 50  # times that another process may come first before a batch is given up
_LINGER_S = 0.02  # an outcome, for which nobody waits, rides along with the decision that comes within this time


class Waiting(Item):
    """An entry that someone waits for; a `patient` one may come a little later, so that it costs no fsync."""

    __slots__ = ("future", "given_up", "patient")

    def __init__(self, kind: str, record_id: str, body: bytes, content: Sealed | None) -> None:
        super().__init__(kind, record_id, body, content)
        self.future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self.given_up = False
        self.patient = kind == "outcome"


class Writer(threading.Thread):
    """Appends what is submitted. `last` is the last row it stored or found; `wait_s` bounds a wait for a lock."""

    def __init__(self, backend: Backend, keys: AuditKeys, wait_s: float) -> None:
        """DatabaseError, AuditUnavailableError."""
        super().__init__(name="audit-writer", daemon=True)
        self.log, self._keys = backend.log, keys
        self._link = backend.open_log(create=True, wait_s=wait_s)
        self._key_table = KeyTable(backend, keys, wait_s)
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._stale = False  # whether `last` must be read again
        self.last = read_last(self._link, keys, self.log)
        self.busy_since = 0.0  # monotonic seconds, 0 while idle
        self.batches = self.stored = self.failed = 0

    def submit(self, item: Waiting | None) -> None:
        """Queue an entry; None ends the thread once everything before it is stored."""
        self._queue.put(item)

    def waiting(self) -> int:
        """Entries in the queue."""
        return self._queue.qsize()

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of a row, None where there is none. Only before start(), or in the thread; DatabaseError."""
        rows = self._link.query("SELECT hash FROM entries WHERE seq = ?", (seq,))
        return bytes(rows[0][0]) if rows else None

    def run(self) -> None:
        """Until None comes: take what waits, store it, answer."""
        ending = False
        while not ending:
            batch = self._take()
            ending = batch[-1] is None
            self.busy_since = time.monotonic()
            self._store([item for item in batch if item is not None and not item.given_up])
            if not ending and self._queue.empty():
                self._restock()
            self.busy_since = 0.0
        with contextlib.suppress(AuditError, DatabaseError):
            self._catch_up()  # the last checkpoint is to cover what others appended
        self._link.close()
        self._key_table.close()

    def _take(self) -> list[Waiting | None]:
        """The next batch: what waits already; where that is outcomes alone, also what comes in the next moment."""
        batch = [self._queue.get()]
        until = time.monotonic() + _LINGER_S
        while len(batch) < MAX_BATCH and batch[-1] is not None:
            patient = all(item is not None and item.patient for item in batch)
            if not patient and self._queue.empty():
                break
            try:
                batch.append(self._queue.get(timeout=max(0.0, until - time.monotonic()) if patient else 0))
            except queue.Empty:
                break
        return batch

    def _restock(self) -> None:
        try:
            self._key_table.restock()
        except (AuditError, DatabaseError) as error:  # the next entry that needs a key will say so to its caller
            log.warning("no keys could be made ahead: %s", error)

    def _store(self, batch: list[Waiting]) -> None:
        if not batch:
            return
        try:
            placed = self._append(batch)
            self.stored += len(batch)
            self.batches += 1
            _answer([(item, stored) for item, stored in zip(batch, placed, strict=True)])
        except NotUniqueError as error:
            self._stale = True
            if len(batch) == 1:
                _answer([(batch[0], _refused(batch[0], error))])
                return
            for item in batch:  # one bad entry must not take the others with it
                self._store([item])
        except AuditError as error:
            self._fail(batch, error)
        except Exception as error:
            self._fail(batch, chain.unavailable(error, self.log))

    def _fail(self, batch: list[Waiting], error: AuditError) -> None:
        self._stale = True
        self.failed += len(batch)
        _answer([(item, error) for item in batch])

    def _append(self, batch: list[Waiting]) -> list[Stored]:
        for _ in range(_TRIES):
            doubtful = self._link.revive() or self._stale
            if doubtful:
                self._catch_up()
            self._seal([(item, item.content) for item in batch if item.content], doubtful)
            placed = insert(self._link, batch, self.last, self._keys)
            if placed:
                self._still_there()
                self.last = placed[-1]
                return placed
            self._stale = True
        raise chain.unavailable(TimeoutError("other processes write without pause"), self.log)

    def _seal(self, items: list[tuple[Waiting, Sealed]], doubtful: bool) -> None:
        """Anew on every try: whoever came first may have destroyed a subject's key."""
        if items:
            self._key_table.refresh(ask=doubtful or any(content.subject for _, content in items))
            for item, content in items:
                item.sealed = self._key_table.seal(content, item.record_id)
            self._key_table.flush()

    def _catch_up(self) -> None:
        found = read_last(self._link, self._keys, self.log)
        if self.last.seq and self.hash_at(self.last.seq) != self.last.hash:
            raise AuditUnavailableError(
                f"the audit log was changed under the running gateway: entry {self.last.seq} is gone or another",
                where=self.log,
                hint="run decision-layer audit verify; every request is refused until the log is whole again",
            )
        self.last, self._stale = found, False

    def _still_there(self) -> None:
        if self._link.moved() or self._key_table.moved():
            raise AuditUnavailableError(
                "the audit log was moved away or replaced while the gateway was running",
                where=self.log,
                hint="put the file and its -wal back, or restart the gateway after decision-layer audit verify",
            )


def _refused(item: Waiting, error: NotUniqueError) -> AuditRecordError:
    return AuditRecordError(
        f"the {item.kind} cannot be stored: {error}",
        where=item.record_id,
        hint="a record id has one decision: make a new id for every request",
    )


def _answer(answers: list[tuple[Waiting, Stored | AuditError]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, Stored | AuditError]]] = defaultdict(list)
    for item, answer in answers:
        by_loop[item.future.get_loop()].append((item, answer))
    for loop, own in by_loop.items():
        with contextlib.suppress(RuntimeError):  # a loop that was closed meanwhile has nobody left who waits
            loop.call_soon_threadsafe(_settle, own)


def _settle(answers: list[tuple[Waiting, Stored | AuditError]]) -> None:
    for item, answer in answers:
        if item.future.done():
            continue
        if isinstance(answer, Stored):
            item.future.set_result(answer)
        else:
            item.future.set_exception(answer)
