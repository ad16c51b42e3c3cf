"""Puts entries on top of the last row: the one place where rows are stamped, for the gateway and for tombstones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

from decision_layer.audit import chain
from decision_layer.audit.backend import Link
from decision_layer.audit.chain import Stored
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.record import Sealed

MAX_BATCH = 256
_ON_TOP = "(SELECT hash FROM entries ORDER BY seq DESC LIMIT 1) IS NOT DISTINCT FROM ?"


@lru_cache(MAX_BATCH)
def _insert(row: str, rows: int) -> str:
    return f"INSERT INTO entries SELECT * FROM (VALUES {','.join([row] * rows)}) AS fresh WHERE {_ON_TOP}"  # noqa: S608


class Item:
    """An entry ready but for its place in the chain and its sealed part."""

    __slots__ = ("body", "content", "kind", "record_id", "sealed")

    def __init__(self, kind: str, record_id: str, body: bytes, content: Sealed | None = None) -> None:
        self.kind, self.record_id, self.body, self.content = kind, record_id, body, content
        self.sealed: bytes | None = None


def insert(link: Link, batch: Sequence[Item], last: Stored, keys: AuditKeys) -> list[Stored] | None:
    """Put a batch on top of `last`; None, and nothing stored, when that is no longer the last row. DatabaseError."""
    placed, values = _stamp(batch, last, keys)
    values.append(last.hash if last.seq else None)
    return placed if link.append(_insert(link.row, len(batch)), values) == len(batch) else None


def _stamp(batch: Sequence[Item], last: Stored, keys: AuditKeys) -> tuple[list[Stored], list[object]]:
    """The places of a batch on top of `last`, and the values of its rows one after the other."""
    placed: list[Stored] = []
    values: list[object] = []
    seq, prev, now = last.seq, last.hash, time.time_ns() // 1000
    for item in batch:
        seq += 1
        body_hash, sealed_hash = chain.digest(item.body), chain.digest(item.sealed) if item.sealed else None
        own = chain.entry_hash(prev, body_hash, sealed_hash, f"{seq}|{item.kind}|{item.record_id}|{now}")
        values += (seq, item.kind, item.record_id, now, own, keys.mark(own))
        values += (body_hash, sealed_hash, item.body, item.sealed)
        placed.append(Stored(seq, item.record_id, now, prev, own))
        prev = own
    return placed, values


def read_last(link: Link, keys: AuditKeys, log: str) -> Stored:
    """The last row; AuditUnavailableError when it does not bear our mark, for then nothing may be put on top of it."""
    rows = link.query("SELECT seq, record_id, at, hash, mark FROM entries ORDER BY seq DESC LIMIT 1")
    if not rows:
        return Stored(0, "", 0, b"", chain.GENESIS)
    row = rows[0]
    if not keys.marked(row[3], row[4]):
        raise AuditUnavailableError(
            f"the last entry, {row[0]}, was not written with this key",
            where=log,
            hint="someone else wrote into the log, or the key file lacks the old key: decision-layer audit verify",
        )
    return Stored(row[0], row[1], row[2], b"", row[3])
