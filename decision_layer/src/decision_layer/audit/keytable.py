"""The keys of sealed parts: one per subject, and one per record where there is no subject.

Destroying a subject's key makes every sealed part of it unreadable, in the log and in each of its backups. A key is
durable before the first entry that needs it; a subject that is known already costs no second fsync, and neither does
a record without a subject: its key is one of a stock that was stored ahead of time. What is left of a stock when the
process ends is never used.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from decision_layer.audit import keyring
from decision_layer.audit.backend import Backend, DatabaseError
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.record import Sealed

_CACHED = 10_000  # subjects
_STOCK = 512  # keys made ahead: each time costs a flush that decisions may have to wait for
_DRAWN = keyring.KEY_ID + 32  # random bytes: a key's id and the key


class KeyTable:
    """Seals for one writer thread. Keys destroyed by another process are noticed at refresh()."""

    def __init__(self, backend: Backend, keys: AuditKeys, wait_s: float) -> None:
        """DatabaseError, as from every method."""
        self._link, self._keys = backend.open_keys(create=True, wait_s=wait_s), keys
        self._cache: dict[str, tuple[bytes, bytes]] = {}
        self._fresh: list[tuple[bytes, str, bytes]] = []
        self._stock: list[tuple[bytes, bytes]] = []
        self._version = -1

    def refresh(self, *, ask: bool) -> None:
        """Forget everything if another process may have destroyed keys, and keys that were never stored.

        Only `ask` looks for the former: keys of the stock are nobody's yet, so nobody else destroys one.
        """
        revived = self._link.revive()
        version = self._link.key_changes() if ask or revived else self._version
        if revived or version != self._version or self._fresh or len(self._cache) > _CACHED:
            self._cache.clear()
            self._fresh.clear()
            self._stock.clear()
            self._version = version

    def seal(self, content: Sealed, record_id: str) -> bytes:
        """The sealed part; its key is durable only after flush()."""
        name, key = self._key_of(content.subject)
        return keyring.seal(content, record_id, name, key)

    def flush(self) -> None:
        """Make new keys durable."""
        if self._fresh:
            with self._link.locked():
                self._link.change_many("INSERT INTO keys VALUES (?,?,?)", self._fresh)
            self._fresh.clear()

    def has_keys_for(self, contents: Collection[Sealed]) -> bool:
        """Whether these can be sealed with keys that are stored already."""
        subjects = [content.subject for content in contents]
        return subjects.count("") <= len(self._stock) and all(not it or it in self._cache for it in subjects)

    def runs_out(self) -> bool:
        """Whether it is time to restock()."""
        return len(self._stock) < _STOCK // 2

    def restock(self) -> None:
        """When nobody waits: keys for the records without a subject to come."""
        if self.runs_out() and not self._fresh:
            self._fill()
            self.flush()

    def moved(self) -> bool:
        """Link.moved()."""
        return self._link.moved()

    def close(self) -> None:
        """Let go of the database."""
        self._link.close()

    def _key_of(self, subject: str) -> tuple[bytes, bytes]:
        if not subject:
            if not self._stock:
                self._fill()
            return self._stock.pop()
        known = self._cache.get(subject) or self._look_up(subject) or self._keep(subject, os.urandom(_DRAWN))
        self._cache[subject] = known
        return known

    def _fill(self) -> None:
        drawn = os.urandom(_STOCK * _DRAWN)  # one call of the system instead of hundreds
        self._stock += [self._keep("", drawn[at : at + _DRAWN]) for at in range(0, len(drawn), _DRAWN)]

    def _keep(self, subject: str, drawn: bytes) -> tuple[bytes, bytes]:
        name, key = drawn[: keyring.KEY_ID], drawn[keyring.KEY_ID :]
        self._fresh.append((name, subject, self._keys.wrap(key, name)))
        return name, key

    def _look_up(self, subject: str) -> tuple[bytes, bytes] | None:
        for name, wrapped in self._link.query(
            "SELECT key_id, wrapped FROM keys WHERE subject = ? AND wrapped <> ? LIMIT 1", (subject, b"")
        ):
            return name, self._keys.unwrap(wrapped, name)
        return None


def open_sealed(backend: Backend, keys: AuditKeys, record_id: str, blob: bytes) -> Sealed | None:
    """What an entry sealed, None when its key was destroyed; AuditKeyError, AuditUnavailableError."""
    name = blob[: keyring.KEY_ID]
    try:
        with backend.read_keys() as link:
            rows = link.query("SELECT wrapped FROM keys WHERE key_id = ? AND wrapped <> ?", (name, b""))
    except DatabaseError as error:
        raise AuditUnavailableError(
            f"the keys of sealed parts cannot be read: {error}",
            where=backend.keys,
            hint="are they there and readable for this user?",
        ) from error
    return keyring.unseal(blob, record_id, keys.unwrap(rows[0][0], name)) if rows else None
