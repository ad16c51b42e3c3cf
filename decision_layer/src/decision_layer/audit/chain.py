"""The table that holds the log, and the arithmetic that chains its rows.

hash = SHA-256(hash of the row before | SHA-256(body) | SHA-256(sealed) or 32 zero bytes | seq, kind, id, time)
mark = HMAC-SHA256(secret, hash)

The hashes of body and sealed part have columns of their own, so that both can be taken out (retention, erasure) while
the chain still verifies. Anyone can recompute `hash`; `mark` needs the secret (keyring.py).
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.wal import BACKSTOP_PAGES

GENESIS = bytes(32)
_NOTHING = bytes(32)

TABLE = """\
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  record_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  hash BLOB NOT NULL,
  mark BLOB NOT NULL,
  body_hash BLOB NOT NULL,
  sealed_hash BLOB,
  body BLOB,
  sealed BLOB
) STRICT"""
DECISIONS = "CREATE UNIQUE INDEX decisions ON entries (record_id) WHERE kind = 'decision'"
FOLLOWERS = "CREATE INDEX followers ON entries (record_id, seq) WHERE kind <> 'decision'"
SCHEMA = (TABLE, DECISIONS, FOLLOWERS)

KEY_TABLE = "CREATE TABLE keys (key_id BLOB PRIMARY KEY, subject TEXT NOT NULL, wrapped BLOB NOT NULL) STRICT"
KEY_SUBJECTS = "CREATE INDEX subjects ON keys (subject)"
KEY_SCHEMA = (KEY_TABLE, KEY_SUBJECTS)


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


def connect(path: Path, schema: tuple[str, ...], *, create: bool, wait_s: float) -> sqlite3.Connection:
    """A connection that writes: WAL, an fsync per commit, deleted content overwritten; `wait_s` bounds every lock.

    AuditUnavailableError when the file cannot be opened, is missing without `create`, or is none of ours.
    """
    try:
        if create:  # for its owner alone, whatever the umask; -wal and -shm take after it
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        link = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=wait_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=600,
        )
        if link.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
            raise sqlite3.OperationalError("the file system cannot do write-ahead logging")
        link.execute("PRAGMA synchronous=FULL")
        link.execute("PRAGMA secure_delete=ON")
        link.execute(f"PRAGMA wal_autocheckpoint={BACKSTOP_PAGES}")
        if create and not statements(link):
            link.execute("BEGIN IMMEDIATE")
            if not statements(link):  # another process may have been first
                for statement in schema:
                    link.execute(statement)
            link.execute("COMMIT")
        if statements(link) != sorted(schema):
            raise sqlite3.DatabaseError("its tables are not those of an audit log")
    except (sqlite3.Error, OSError) as error:
        raise unavailable(error, path) from error
    return link


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads; sqlite3.Error when there is no such file.

    A copy on a read-only disk has no write-ahead log and could not get the index of one: nobody changes it either.
    """
    at_rest = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}"
    return sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)


def statements(link: sqlite3.Connection) -> list[str]:
    """The SQL of everything that the file defines, sorted: a trigger or view slipped in shows here."""
    return sorted(row[0] for row in link.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))


def unavailable(error: BaseException, path: Path) -> AuditUnavailableError:
    """The error for a caller who waits: what SQLite or the system said, and what to do."""
    return AuditUnavailableError(
        f"the audit log cannot be written: {error or type(error).__name__}",
        where=str(path),
        hint="free space, check owner and mount of the directory, then decision-layer audit verify;"
        " until then every request is refused",
    )
