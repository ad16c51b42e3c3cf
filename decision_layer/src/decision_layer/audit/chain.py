"""The arithmetic that chains the rows of the log.

hash = SHA-256(hash of the row before | SHA-256(body) | SHA-256(sealed) or 32 zero bytes | seq, kind, id, time)
mark = HMAC-SHA256(secret, hash)

The hashes of body and sealed part have columns of their own, so that both can be taken out (retention, erasure) while
the chain still verifies. Anyone can recompute `hash`; `mark` needs the secret (keyring.py).
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from decision_layer.audit.errors import AuditUnavailableError

GENESIS = bytes(32)
_NOTHING = bytes(32)


class Stored(NamedTuple):
    """Where an entry stands in the chain; `at` is microseconds since 1970, UTC, by the store's clock."""

    seq: int
    record_id: str
    at: int
    prev_hash: bytes
    hash: bytes


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def entry_hash(prev: bytes, body_hash: bytes, sealed_hash: bytes | None, header: str) -> bytes:
    """The hash of a row; `header` is "seq|kind|record id|time"."""
    return hashlib.sha256(b"".join((prev, body_hash, sealed_hash or _NOTHING, header.encode()))).digest()


def unavailable(error: BaseException, where: str) -> AuditUnavailableError:
    """The error for a caller who waits: what the database or the system said, and what to do."""
    return AuditUnavailableError(
        f"the audit log cannot be written: {error or type(error).__name__}",
        where=where,
        hint="is the database there, not full and writable for this user? Then decision-layer audit verify;"
        " until then every request is refused",
    )
