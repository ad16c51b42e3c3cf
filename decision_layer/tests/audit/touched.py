"""Logs that an intruder can write to, in either database, and untouched ones to copy them from."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from decision_layer.audit.backend import Backend, Link
from decision_layer.audit.backends import make_backend
from decision_layer.audit.sqlite import KEY_SCHEMA, SCHEMA, SqliteBackend
from decision_layer.audit.sqlite_link import SqliteLink
from tests.audit.samples import fill

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster

Chance = random.Random


class Log(ABC):
    """A log, its second place, and a way in past the decision layer."""

    schema_changes: tuple[str, ...]

    def __init__(self, backend: Backend, second: Path) -> None:
        self.backend, self.directory, self.second = backend, backend.directory, second

    @abstractmethod
    def link(self, table: str = "entries") -> contextlib.AbstractContextManager[Link]:
        """A connection that may do everything, and flushes nothing."""

    @abstractmethod
    def delete(self, chance: Chance) -> None:
        """The log away, or damaged beyond reading."""

    @abstractmethod
    def delete_keys(self) -> None:
        """The keys away."""

    def run(self, sql: str, *values: object, table: str = "entries") -> list[tuple[Any, ...]]:
        """One statement, committed."""
        with self.link(table) as link:
            if sql.startswith("SELECT"):
                return link.query(sql, values)
            link.change(sql, values)
            return []

    def seqs(self) -> list[int]:
        """All rows."""
        return [int(row[0]) for row in self.run("SELECT seq FROM entries ORDER BY seq")]

    def any_seq(self, chance: Chance, where: str = "seq > 0") -> int:
        """One row."""
        return int(chance.choice(self.run(f"SELECT seq FROM entries WHERE {where} ORDER BY seq"))[0])  # noqa: S608


class SqliteLog(Log):
    """Two files."""

    schema_changes = (
        "CREATE TRIGGER t AFTER INSERT ON entries BEGIN UPDATE entries SET body = NULL; END",
        "DROP INDEX followers",
        "CREATE VIEW v AS SELECT 1",
    )

    @contextlib.contextmanager
    def link(self, table: str = "entries") -> Iterator[Link]:
        path = self.directory / ("keys.sqlite" if table == "keys" else "audit.sqlite")
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("PRAGMA synchronous = OFF")
        with contextlib.closing(SqliteLink(raw, path, KEY_SCHEMA if table == "keys" else SCHEMA, 5)) as link:
            yield link

    def delete(self, chance: Chance) -> None:
        path = self.directory / "audit.sqlite"
        if chance.random() < 0.5:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[: 4096 * chance.randint(1, 20)])

    def delete_keys(self) -> None:
        (self.directory / "keys.sqlite").unlink()


class PostgresqlLog(Log):
    """A schema; the intruder is the server's superuser."""

    schema_changes = (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.body = NULL; RETURN NEW; END';"
        "CREATE TRIGGER t BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION f()",
        "DROP INDEX followers",
        "CREATE VIEW v AS SELECT 1",
    )

    def __init__(self, backend: Backend, second: Path, cluster: Cluster, schema: str) -> None:
        super().__init__(backend, second)
        self._cluster, self.schema = cluster, schema
        self._kept: Link | None = None

    @contextlib.contextmanager
    def link(self, table: str = "entries") -> Iterator[Link]:
        """One connection for all, because a sign-in takes longer than a statement."""
        from decision_layer.audit.postgresql_link import PostgresqlLink

        if self._kept is None:
            self._kept = PostgresqlLink(partial(self._cluster.connect, self.schema), table)
            self._kept.change("SET synchronous_commit = off")
        yield self._kept

    def delete(self, chance: Chance) -> None:
        self.run(chance.choice(["DROP TABLE entries", "TRUNCATE entries", "DROP TABLE entries, keys"]))

    def delete_keys(self) -> None:
        self.run("DROP TABLE keys")


class SqliteSource:
    """An untouched log with something of every kind."""

    mutations = 1000

    def __init__(self, home: Path) -> None:
        self._home = home
        self.log: Log = SqliteLog(SqliteBackend(home / "log"), home / "second")
        asyncio.run(fill(self.log.backend, self.log.second))

    def copy(self, to: Path) -> Log:
        """One of its own."""
        shutil.copytree(self._home, to)
        return SqliteLog(SqliteBackend(to / "log"), to / "second")


class PostgresqlSource:
    """The same in PostgreSQL; every copy is in one other schema, so there is one copy at a time."""

    mutations = 72  # four of each

    def __init__(self, home: Path, cluster: Cluster) -> None:
        self._home, self._cluster = home, cluster
        self._from, self._to = cluster.server(), cluster.server()
        self.log: Log = PostgresqlLog(
            make_backend(home / "log", self._from), home / "second", cluster, self._from.schema
        )
        asyncio.run(fill(self.log.backend, self.log.second))

    def copy(self, to: Path) -> Log:
        """The tables made as the backend makes them, and filled."""
        shutil.copytree(self._home, to)
        schema = self._to.schema
        self._cluster.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        backend = make_backend(to / "log", self._to)
        backend.open_log(create=True, wait_s=5).close()
        log = PostgresqlLog(backend, to / "second", self._cluster, schema)
        for table in ("entries", "keys"):
            log.run(f"INSERT INTO {table} SELECT * FROM {self._from.schema}.{table}")  # noqa: S608
        return log
