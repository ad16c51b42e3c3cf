"""SQLite in WAL mode: one directory with audit.sqlite and keys.sqlite, which no other machine shares."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from decision_layer.audit.backend import DamagedError, DatabaseError, NotUniqueError, Row
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
_SAYS_NOTHING = ("SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_PERM")  # of the log


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """sqlite3's errors as the seam's."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise NotUniqueError(str(error)) from error
    except sqlite3.Error as error:
        damaged = isinstance(error, sqlite3.DatabaseError) and not _error_name(error).startswith(_SAYS_NOTHING)
        raise (DamagedError if damaged else DatabaseError)(str(error)) from error


def _error_name(error: sqlite3.Error) -> str:
    """Not every error of the module comes from SQLite and has one."""
    return getattr(error, "sqlite_errorname", "SQLITE_CANTOPEN")


class SqliteLink:
    """A connection to one of the two files."""

    row = "(?,?,?,?,?,?,?,?,?,?)"

    def __init__(self, raw: sqlite3.Connection, path: Path, schema: tuple[str, ...]) -> None:
        self.raw, self._path, self._schema = raw, path, schema
        self._identity = _identity(path)

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows."""
        with _told():
            return self.raw.execute(sql, values).fetchall()

    def stream(self, sql: str, values: Sequence[object] = (), at_once: int = 200) -> Iterator[list[Row]]:
        """Rows in parts."""
        with _told():
            found = self.raw.execute(sql, values)
            while rows := found.fetchmany(at_once):
                yield rows

    def change(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement."""
        with _told():
            return self.raw.execute(sql, values).rowcount

    def change_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for each row."""
        with _told():
            self.raw.executemany(sql, rows)

    def append(self, sql: str, values: Sequence[object]) -> int:
        """One statement is one transaction, with one fsync, and SQLite has one writer at a time."""
        return self.change(sql, values)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """BEGIN IMMEDIATE takes the file's one write lock."""
        self.change("BEGIN IMMEDIATE")
        try:
            yield
            self.change("COMMIT")
        except BaseException:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """A read transaction."""
        self.change("BEGIN")
        try:
            yield
        finally:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")

    def is_ours(self) -> bool:
        """The SQL of everything that the file defines: a trigger or view slipped in shows here."""
        found = self.query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        return sorted(row[0] for row in found) == sorted(self._schema)

    def damage(self) -> list[str]:
        """A row that is in the table but in no index would be hidden from every look-up by record id."""
        return [said for (said,) in self.query("PRAGMA integrity_check(20)") if said != "ok"]

    def moved(self) -> bool:
        """SQLite goes on writing into a file that was deleted or replaced; nobody would ever read that."""
        return _identity(self._path) != self._identity

    def key_changes(self) -> int:
        """https://www.sqlite.org/pragma.html#pragma_data_version: changes with every commit of another connection."""
        return int(self.query("PRAGMA data_version")[0][0])

    def announce_key_change(self) -> None:
        """SQLite counts by itself."""

    def revive(self) -> bool:
        """A file needs no new connection."""
        return False

    def scrub(self) -> None:
        """Bring removals from the write-ahead log into the file, so that the old bytes are overwritten there."""
        self.query("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file."""
        self.raw.close()


class SqliteBackend:
    """Leave keys.sqlite, which holds what an erasure destroys, out of backups kept longer than one may take."""

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
    with _told():
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
    link = SqliteLink(raw, path, schema)
    if create and not link.query("SELECT 1 FROM sqlite_master"):
        with link.locked():
            if not link.query("SELECT 1 FROM sqlite_master"):  # another process may have been first
                for statement in schema:
                    link.change(statement)
    if not link.is_ours():
        raise DamagedError("its tables are not those of an audit log")
    return SqliteLink(raw, path, schema)  # with the identity of the files as they are now


def _connect_reader(path: Path, schema: tuple[str, ...]) -> SqliteLink:
    """A connection that only reads.

    A copy on a read-only disk has no write-ahead log and could not get the index of one: nobody changes it either.
    """
    at_rest = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}"
    with _told():
        return SqliteLink(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None), path, schema)


def _identity(path: Path) -> tuple[int, ...]:
    found: list[int] = []
    for part in (path, path.with_name(path.name + "-wal")):
        try:
            status = part.stat()
            found += (status.st_dev, status.st_ino)
        except OSError:
            found += (0, 0)
    return tuple(found)
