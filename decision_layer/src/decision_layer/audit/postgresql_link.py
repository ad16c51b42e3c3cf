"""A connection to PostgreSQL that speaks the seam's language: `?` for a value, and the seam's errors."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from decision_layer.audit import postgresql_schema
from decision_layer.audit.backend import DamagedError, DatabaseError, NotUniqueError, Row

# What was asked is not there or cannot be read; https://www.postgresql.org/docs/15/errcodes-appendix.html
_DAMAGED = (errors.UndefinedTable, errors.UndefinedColumn, errors.DataCorrupted, errors.IndexCorrupted)
_KEY_CHANGES = "SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM key_changes"


@contextlib.contextmanager
def told() -> Iterator[None]:
    """psycopg's errors as the seam's."""
    try:
        yield
    except errors.UniqueViolation as error:
        kind = NotUniqueError if error.diag.constraint_name == "decisions" else DatabaseError
        raise kind(_words(error)) from error
    except _DAMAGED as error:
        raise DamagedError(_words(error)) from error
    except psycopg.Error as error:
        raise DatabaseError(_words(error)) from error


def _words(error: psycopg.Error) -> str:
    """What the server said, without the statement's values, which it may add as detail."""
    return error.diag.message_primary or str(error).strip().partition("\n")[0]


@lru_cache(1024)
def _own(text: str) -> bytes:
    """The statement with psycopg's mark for a value; none of ours holds either mark otherwise."""
    return text.replace("?", "%s").encode()


class PostgresqlLink:
    """Made again by `connect` where it broke; `table` is the one that locked() keeps others from changing."""

    row = (
        "(?::bigint,?::text,?::text,?::bigint,?::bytea,?::bytea,?::bytea,?::bytea,?::bytea,?::bytea)"  # as the columns
    )

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], table: str) -> None:
        self._connect, self._table = connect, table
        self._raw = connect()
        # One exchange: waits for its turn, bounded by lock_timeout, and sees whether commits still reach the disk.
        self._begin = f"BEGIN; SELECT current_setting('fsync'), pg_advisory_xact_lock('{table}'::regclass::bigint)"
        self._streams = 0
        self._wait_s: float | None = None

    def query(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows."""
        with told():
            return self._raw.execute(_own(text), values, binary=True).fetchall()

    def stream(self, text: str, values: Sequence[object] = (), at_once: int = 200) -> Iterator[list[Row]]:
        """Rows in parts, by a cursor of the server."""
        self._streams += 1
        with told(), self._raw.transaction(), self._raw.cursor(name=f"stream_{self._streams}", binary=True) as cursor:
            cursor.execute(_own(text), values)
            while rows := cursor.fetchmany(at_once):
                yield rows

    def change(self, text: str, values: Sequence[object] = ()) -> int:
        """Run a statement."""
        with told():
            return self._raw.execute(_own(text), values or None).rowcount

    def change_many(self, text: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for each row; the driver sends them without waiting for each answer."""
        with told(), self._raw.cursor() as cursor:
            cursor.executemany(_own(text), rows)

    def define(self, statement: sql.Composed) -> None:
        """Run a statement with names in it."""
        with told():
            self._raw.execute(statement)

    def append(self, text: str, values: Sequence[object]) -> int:
        """In a transaction of its own, or in the one that locked() began."""
        if self._raw.info.transaction_status == TransactionStatus.INTRANS:
            return self.change(text, values)
        with self.locked():
            return self.change(text, values)

    def patience(self, seconds: float) -> None:
        """lock_timeout, which 0 would switch off."""
        if seconds != self._wait_s:
            self.query("SELECT set_config('lock_timeout', ?, false)", (str(max(1, round(seconds * 1000))),))
            self._wait_s = seconds

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The advisory lock of the table, until the transaction ends."""
        with self._undone():
            with told():
                answer = self._raw.execute(self._begin.encode())
                answer.nextset()
                row = answer.fetchone()
            if row is None or row[0] != "on":
                raise DatabaseError("the server does not write to its disk before it answers (fsync is off)")
            yield
            self.change("COMMIT")

    @contextlib.contextmanager
    def transaction(self, first: str, values: Sequence[object]) -> Iterator[None]:
        """A transaction that begins with this statement."""
        with self._undone():
            self.change("BEGIN")
            self.query(first, values)
            yield
            self.change("COMMIT")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """One state for all that is read."""
        with self._undone():
            self.change("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
            self.change("COMMIT")

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        """ROLLBACK where an exception comes through; a connection that does not take even that is given up."""
        try:
            yield
        except BaseException:
            try:
                self._raw.rollback()
            except psycopg.Error:
                self._raw.close()
            raise

    def is_ours(self) -> bool:
        """What the catalogue holds of this schema."""
        return postgresql_schema.is_ours(self)

    def damage(self) -> list[str]:
        """Indexes that do not find what the table holds."""
        return postgresql_schema.damage(self)

    def moved(self) -> bool:
        """A table that is gone says so by itself."""
        return False

    def key_changes(self) -> int:
        """The sequence that announce_key_change() counts up; no transaction hides it."""
        return int(self.query(_KEY_CHANGES)[0][0])

    def announce_key_change(self) -> None:
        """Seen by everyone at once."""
        self.query("SELECT nextval('key_changes')")

    def revive(self) -> bool:
        """Where the server was restarted or the way to it was cut; without a word to a server that says nothing."""
        if not self._raw.closed:
            if not select.select([self._raw.fileno()], [], [], 0)[0]:
                return False
            with contextlib.suppress(DatabaseError):  # a notice, or the end of the connection
                self.query("SELECT 1")
                return False
            self._raw.close()
        self._raw, self._wait_s = self._connect(), None
        return True

    def scrub(self) -> None:
        """Write keys anew without what was deleted; of entries, whose keys are destroyed, only give the room back."""
        self.change("VACUUM FULL keys" if self._table == "keys" else "VACUUM entries")

    def close(self) -> None:
        """Sign out."""
        self._raw.close()
