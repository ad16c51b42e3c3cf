"""Reads the log without being able to change it: by record id for people, by seq for export and the OTLP sender."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from decision_layer.audit import canonical, keytable
from decision_layer.audit.backend import Backend, DatabaseError, Row
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.record import Entry, Sealed

_ALL = 2**62
_COLUMNS = "seq, kind, record_id, at, hash, body_hash, sealed_hash, body, sealed"


class Found(NamedTuple):
    """One row. `body` is None once retention took it, `sealed` is None where there is or no longer is any."""

    seq: int
    kind: str
    record_id: str
    at: int
    hash: bytes
    body_hash: bytes
    sealed_hash: bytes | None
    body: bytes | None
    sealed: bytes | None

    @property
    def entry(self) -> Entry | None:
        """The body as its struct; msgspec.MsgspecError when it was damaged."""
        return canonical.decode(self.body) if self.body is not None else None


class LogReader:
    """One log. Every method raises AuditUnavailableError when it cannot be read."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def of(self, record_id: str) -> list[Found]:
        """The decision with this id and everything that followed it, oldest first."""
        return list(
            self._rows(
                f"SELECT {_COLUMNS} FROM entries WHERE kind = 'decision' AND record_id = ? UNION ALL"  # noqa: S608
                f" SELECT {_COLUMNS} FROM entries WHERE kind <> 'decision' AND record_id = ? ORDER BY seq",
                (record_id, record_id),
            )
        )

    def of_kinds(self, *kinds: str) -> list[Found]:
        """Every entry of these kinds, oldest first. Reads the whole log: for a start, not for a request."""
        marks = ", ".join("?" * len(kinds))
        sql = f"SELECT {_COLUMNS} FROM entries WHERE kind IN ({marks}) ORDER BY seq"  # noqa: S608 - fixed text
        return list(self._rows(sql, kinds))

    def after(self, seq: int, limit: int = _ALL) -> Iterator[Found]:
        """Rows after `seq` in order, at most `limit`."""
        return self._rows(
            f"SELECT {_COLUMNS} FROM entries WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 - fixed text
            (seq, limit),
        )

    def at(self, seqs: Sequence[int]) -> Iterator[Found]:
        """These rows, in order: at most some thousands."""
        marks = ", ".join("?" * len(seqs))
        return self._rows(f"SELECT {_COLUMNS} FROM entries WHERE seq IN ({marks}) ORDER BY seq", seqs)  # noqa: S608

    def kinds_after(self, seq: int) -> Iterator[tuple[int, str, str]]:
        """Seq, kind and record id of the rows after `seq`, in order: without their contents."""
        sql = "SELECT seq, kind, record_id FROM entries WHERE seq > ? ORDER BY seq"
        return ((row[0], row[1], row[2]) for row in self._query(sql, (seq,)))

    def last_seq(self) -> int:
        """The seq of the last row, 0 for an empty log."""
        [(last,)] = self._query("SELECT coalesce(max(seq), 0) FROM entries", ())
        return int(last)

    def open_sealed(self, found: Found, keys: AuditKeys) -> Sealed | None:
        """What a row sealed; None when there is nothing or its key was destroyed. AuditKeyError when it was changed."""
        if found.sealed is None:
            return None
        return keytable.open_sealed(self._backend, keys, found.record_id, found.sealed)

    def _rows(self, sql: str, values: Sequence[object]) -> Iterator[Found]:
        return (Found(*row) for row in self._query(sql, values))

    def _query(self, sql: str, values: Sequence[object]) -> Iterator[Row]:
        try:
            with self._backend.read_log() as link:
                for rows in link.stream(sql, values):
                    yield from rows
        except DatabaseError as error:
            raise AuditUnavailableError(
                f"the audit log cannot be read: {error}",
                where=self._backend.log,
                hint="is this the right place, and may this user read it?",
            ) from error
