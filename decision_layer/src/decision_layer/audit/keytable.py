"""keys.sqlite: the keys of sealed parts, one per subject, and one per record where there is no subject.

Destroying a subject's key makes every sealed part of it unreadable, in the log and in each of its backups. A key is
durable before the first entry that needs it; a subject that is known already costs no second fsync, and neither does
a record without a subject: its key is one of a stock that was stored ahead of time. What is left of a stock when the
process ends is never used.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from decision_layer.audit import chain, keyring
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.record import Sealed

_CACHED = 10_000  # subjects
_STOCK = 256  # keys made ahead


class KeyTable:
    """Seals for one writer thread. Keys destroyed by another process are noticed at refresh()."""

    def __init__(self, path: Path, keys: AuditKeys, wait_s: float) -> None:
        self._link = chain.connect(path, chain.KEY_SCHEMA, create=True, wait_s=wait_s)
        self._keys, self._path = keys, path
        self._cache: dict[str, tuple[bytes, bytes]] = {}
        self._fresh: list[tuple[bytes, str, bytes]] = []
        self._stock: list[tuple[bytes, bytes]] = []
        self._version = -1

    def refresh(self) -> None:
        """Forget everything if another process changed the file, and keys that were never stored."""
        version = self._link.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version or self._fresh or len(self._cache) > _CACHED:
            self._cache.clear()
            self._fresh.clear()
            self._stock.clear()
            self._version = version

    def seal(self, content: Sealed, record_id: str) -> bytes:
        """The sealed part; its key is durable only after flush()."""
        name, key = self._key_of(content.subject)
        return keyring.seal(content, record_id, name, key)

    def flush(self) -> None:
        """Make new keys durable; sqlite3.Error."""
        if self._fresh:
            self._link.execute("BEGIN IMMEDIATE")
            try:
                self._link.executemany("INSERT INTO keys VALUES (?,?,?)", self._fresh)
                self._link.execute("COMMIT")
            except sqlite3.Error:
                if self._link.in_transaction:
                    self._link.execute("ROLLBACK")
                raise
            self._fresh.clear()

    def restock(self) -> None:
        """When nobody waits: keys for the records without a subject to come; sqlite3.Error."""
        if len(self._stock) < _STOCK // 2 and not self._fresh:
            self._fill()
            self.flush()

    def close(self) -> None:
        """Let go of the file."""
        self._link.close()

    def _key_of(self, subject: str) -> tuple[bytes, bytes]:
        if not subject:
            if not self._stock:
                self._fill()
            return self._stock.pop()
        known = self._cache.get(subject) or self._look_up(subject) or self._make(subject)
        self._cache[subject] = known
        return known

    def _fill(self) -> None:
        self._stock += [self._make("") for _ in range(_STOCK)]

    def _make(self, subject: str) -> tuple[bytes, bytes]:
        name, key = os.urandom(keyring.KEY_ID), os.urandom(32)
        self._fresh.append((name, subject, self._keys.wrap(key, name)))
        return name, key

    def _look_up(self, subject: str) -> tuple[bytes, bytes] | None:
        try:
            row = self._link.execute(
                "SELECT key_id, wrapped FROM keys WHERE subject = ? AND wrapped <> x'' LIMIT 1", (subject,)
            ).fetchone()
        except sqlite3.Error as error:
            raise chain.unavailable(error, self._path) from error
        return (row[0], self._keys.unwrap(row[1], row[0])) if row else None


def open_sealed(directory_keys: Path, keys: AuditKeys, record_id: str, blob: bytes) -> Sealed | None:
    """What an entry sealed, None when its key was destroyed; AuditKeyError, AuditUnavailableError."""
    name = blob[: keyring.KEY_ID]
    try:
        link = chain.connect_reader(directory_keys)
        try:
            row = link.execute("SELECT wrapped FROM keys WHERE key_id = ? AND wrapped <> x''", (name,)).fetchone()
        finally:
            link.close()
    except sqlite3.Error as error:
        raise AuditUnavailableError(
            f"the keys of sealed parts cannot be read: {error}",
            where=str(directory_keys),
            hint="is keys.sqlite there and readable for this user?",
        ) from error
    return keyring.unseal(blob, record_id, keys.unwrap(row[0], name)) if row else None
