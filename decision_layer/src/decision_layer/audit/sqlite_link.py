"""A connection to one of SQLite's files, in the seam's language."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from decision_layer.audit.backend import DamagedError, DatabaseError, NotUniqueError, Row

_SAYS_NOTHING = ("SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_PERM")  # of the log


@contextlib.contextmanager
def told() -> Iterator[None]:
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

    def __init__(self, raw: sqlite3.Connection, path: Path, schema: tuple[str, ...], wait_s: float) -> None:
        """`wait_s`: how long the connection waits for a lock as it was opened."""
        self.raw, self._schema, self._wait_s = raw, schema, wait_s
        self._files = (str(path), f"{path}-wal")
        self._identity = _identity(self._files)

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows."""
        with told():
            return self.raw.execute(sql, values).fetchall()

    def stream(self, sql: str, values: Sequence[object] = (), at_once: int = 200) -> Iterator[list[Row]]:
        """Rows in parts."""
        with told():
            found = self.raw.execute(sql, values)
            while rows := found.fetchmany(at_once):
                yield rows

    def change(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement."""
        with told():
            return self.raw.execute(sql, values).rowcount

    def change_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for each row."""
        with told():
            self.raw.executemany(sql, rows)

    def append(self, sql: str, values: Sequence[object]) -> int:
        """One statement is one transaction, with one fsync, and SQLite has one writer at a time."""
        return self.change(sql, values)

    def patience(self, seconds: float) -> None:
        """https://www.sqlite.org/pragma.html#pragma_busy_timeout"""
        if seconds != self._wait_s:
            self.query(f"PRAGMA busy_timeout={round(seconds * 1000)}")
            self._wait_s = seconds

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
        return _identity(self._files) != self._identity

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


def _identity(files: tuple[str, str]) -> list[tuple[int, int]]:
    return [_inode(file) for file in files]


def _inode(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)  # noqa: PTH116 - with every batch, and a Path takes ten times as long
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino
