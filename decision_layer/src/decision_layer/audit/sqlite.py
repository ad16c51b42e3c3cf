"""SQLite in WAL mode: one directory with audit.sqlite and keys.sqlite, which no other machine shares."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from decision_layer.audit.backend import DamagedError, DatabaseError
from decision_layer.audit.sqlite_link import SqliteLink, told
from decision_layer.audit.wal import BACKSTOP_PAGES, WalFlusher

LOG, KEYS = "audit.sqlite", "keys.sqlite"
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


class SqliteBackend:
    """Leave keys.sqlite, which holds what an erasure destroys, out of backups kept longer than one may take."""

    is_local = True

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._log, self._keys = directory / LOG, directory / KEYS
        self.log, self.keys = str(self._log), str(self._keys)

    def open_log(self, *, create: bool, wait_s: float) -> SqliteLink:
        """audit.sqlite."""
        return _connect(self._log, SCHEMA, create=create, wait_s=wait_s)

    def open_keys(self, *, create: bool, wait_s: float) -> SqliteLink:
        """keys.sqlite."""
        return _connect(self._keys, KEY_SCHEMA, create=create, wait_s=wait_s)

    @contextlib.contextmanager
    def read_log(self) -> Iterator[SqliteLink]:
        """audit.sqlite, read-only."""
        with contextlib.closing(_connect_reader(self._log, SCHEMA)) as link:
            yield link

    @contextlib.contextmanager
    def read_keys(self) -> Iterator[SqliteLink]:
        """keys.sqlite, read-only."""
        with contextlib.closing(_connect_reader(self._keys, KEY_SCHEMA)) as link:
            yield link

    def has_log(self) -> bool:
        """The file."""
        return self._log.exists()

    def has_keys(self) -> bool:
        """The file."""
        return self._keys.exists()

    def helpers(self, appended: Callable[[], int]) -> Sequence[WalFlusher]:
        """Keeps the write-ahead logs short."""
        return (WalFlusher([self._log, self._keys], appended),)


def _connect(path: Path, schema: tuple[str, ...], *, create: bool, wait_s: float) -> SqliteLink:
    """A connection that writes: WAL, an fsync per commit, deleted content overwritten; `wait_s` bounds every lock."""
    try:
        if create:  # for its owner alone, whatever the umask; -wal and -shm take after it
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseError(str(error)) from error
    with told():
        raw = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=wait_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=600,
        )
        if raw.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
            raise sqlite3.OperationalError("the file system cannot do write-ahead logging")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("PRAGMA secure_delete=ON")
        raw.execute(f"PRAGMA wal_autocheckpoint={BACKSTOP_PAGES}")
    link = SqliteLink(raw, path, schema, wait_s)
    if create and not link.query("SELECT 1 FROM sqlite_master"):
        with link.locked():
            if not link.query("SELECT 1 FROM sqlite_master"):  # another process may have been first
                for statement in schema:
                    link.change(statement)
    if not link.is_ours():
        raise DamagedError("its tables are not those of an audit log")
    return SqliteLink(raw, path, schema, wait_s)  # with the identity of the files as they are now


def _connect_reader(path: Path, schema: tuple[str, ...]) -> SqliteLink:
    """A connection that only reads.

    A copy on a read-only disk has no write-ahead log and could not get the index of one: nobody changes it either.
    """
    at_rest = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}"
    with told():
        return SqliteLink(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None), path, schema, 5)
