"""The one thread that writes: it takes all that waits, stores it in one statement with one fsync, and answers everyone.
Where nobody waits, the event loop may store by itself (inline.py): whoever holds the lock writes.

One statement per batch matters twice: it is one transaction, and the driver gives up the interpreter lock once per
statement, so that a busy event loop cannot keep a batch waiting row by row.

The statement inserts only on top of the row that the writer knows as the last, so that a second process (erasure,
retention, another gateway) can append too: whoever comes second reads the new last row and stamps again.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from enum import Enum, auto

from decision_layer.audit import chain
from decision_layer.audit.append import MAX_BATCH, insert, read_last
from decision_layer.audit.backend import Backend, DatabaseError, NotUniqueError
from decision_layer.audit.chain import Stored
from decision_layer.audit.errors import AuditError, AuditRecordError, AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.keytable import KeyTable
from decision_layer.audit.record import Sealed
from decision_layer.audit.waiting import Waiting, answer

log = logging.getLogger(__name__)
_TRIES = 50  # times that another process may come first before a batch is given up
LINGER_S = 0.02  # an outcome, for which nobody waits, rides along with the decision that comes within this time
_FAST_S = 0.001  # what a commit may take so that an event loop may make it: about a request's own time there
_LATEST = 1 / 16  # the weight of the last commit in how long they take


class Sign(Enum):
    """What the thread is told besides entries."""

    END = auto()
    RESTOCK = auto()


class Writer(threading.Thread):
    """Appends what is submitted. `last` is the last row it stored or found; `wait_s` bounds a wait for a lock."""

    def __init__(self, backend: Backend, keys: AuditKeys, wait_s: float) -> None:
        """DatabaseError, AuditUnavailableError."""
        super().__init__(name="audit-writer", daemon=True)
        self.log, self._keys = backend.log, keys
        self._link = backend.open_log(create=True, wait_s=wait_s)
        self._key_table = KeyTable(backend, keys, wait_s)
        self._queue: queue.SimpleQueue[Waiting | Sign] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._wait_s, self._took_s = wait_s, 0.0
        self._stale = False  # whether `last` must be read again
        self.last = read_last(self._link, keys, self.log)
        self.busy_since = 0.0  # monotonic seconds, 0 while idle
        self.batches = self.stored = self.failed = 0

    def submit(self, item: Waiting | None) -> None:
        """Queue an entry; None ends the thread once everything before it is stored."""
        self._queue.put(item or Sign.END)

    def waiting(self) -> int:
        """Entries in the queue."""
        return self._queue.qsize()

    def is_free(self) -> bool:
        """Whether nobody waits and a commit is a matter of a moment: store_now() is worth trying."""
        return self._took_s < _FAST_S and not self.busy_since and self._queue.empty()

    def store_now(self, batch: list[Waiting]) -> bool:
        """In the caller's thread, without waiting for anyone. False where that fails for whatever reason: submit() it,
        then the thread waits, tries again, and says what is wrong."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            if self._stale or not self._key_table.has_keys_for([item.content for item in batch if item.content]):
                return False
            self._keep(batch, wait_s=0)
            if self._key_table.runs_out():
                self._queue.put(Sign.RESTOCK)
        except (AuditError, DatabaseError):
            self._stale = True
            return False
        finally:
            self._writing.release()
        return True

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of a row, None where there is none. Only before start(), or in the thread; DatabaseError."""
        rows = self._link.query("SELECT hash FROM entries WHERE seq = ?", (seq,))
        return bytes(rows[0][0]) if rows else None

    def run(self) -> None:
        """Until None comes: take what waits, store it, answer."""
        ending = False
        while not ending:
            batch = self._take()
            ending = batch[-1] is Sign.END
            self.busy_since = time.monotonic()
            with self._writing:
                self._store([item for item in batch if isinstance(item, Waiting) and not item.given_up])
                if not ending and self._queue.empty():
                    self._restock()
            self.busy_since = 0.0
        with contextlib.suppress(AuditError, DatabaseError):
            self._catch_up()  # the last checkpoint is to cover what others appended
        self._link.close()
        self._key_table.close()

    def _take(self) -> list[Waiting | Sign]:
        """The next batch: what waits already; where that is outcomes alone, also what comes in the next moment."""
        batch = [self._queue.get()]
        until = time.monotonic() + LINGER_S
        while len(batch) < MAX_BATCH and batch[-1] is not Sign.END:
            patient = all(isinstance(item, Waiting) and item.patient for item in batch)
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
            self._keep(batch, self._wait_s)
        except NotUniqueError as error:
            self._stale = True
            if len(batch) == 1:
                answer([(batch[0], _refused(batch[0], error))])
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
        answer([(item, error) for item in batch])

    def _keep(self, batch: list[Waiting], wait_s: float) -> None:
        placed = self._append(batch, wait_s)
        self.stored += len(batch)
        self.batches += 1
        answer(zip(batch, placed, strict=True))

    def _append(self, batch: list[Waiting], wait_s: float) -> list[Stored]:
        for _ in range(_TRIES):
            doubtful = self._link.revive() or self._stale
            self._link.patience(wait_s)
            if doubtful:
                self._catch_up()
            self._seal([(item, item.content) for item in batch if item.content], doubtful)
            begun = time.monotonic()
            placed = insert(self._link, batch, self.last, self._keys)
            if placed:
                self._still_there()
                self._took_s += (time.monotonic() - begun - self._took_s) * _LATEST
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
