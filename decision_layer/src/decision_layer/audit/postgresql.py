"""PostgreSQL: one schema with entries and keys, for a firm whose log outgrows one machine's disk.

The driver is psycopg over the system's libpq. Who appends holds an advisory lock until the end of the transaction, and
`seq` is unique, so that two gateways cannot fork the chain.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from psycopg import sql

from decision_layer.audit.backend import DatabaseError, Helper, Server
from decision_layer.audit.postgresql_link import PostgresqlLink
from decision_layer.audit.postgresql_schema import SCHEMA, is_ours
from decision_layer.audit.postgresql_sign_in import sign_in, where

_READ_WAIT_S = 5.0
_IDLE_LINKS = 4  # of readers: a sign-in costs more than what most of them ask


class PostgresqlBackend:
    """`directory` has the checkpoints. Keep backups with the table of keys no longer than an erasure may take."""

    is_local = False

    def __init__(self, directory: Path, server: Server) -> None:
        self.directory, self._server = directory, server
        self._idle: list[PostgresqlLink] = []
        self._guard = threading.Lock()
        at = where(server)
        self.log, self.keys = f"{at}, table entries", f"{at}, table keys"

    def open_log(self, *, create: bool, wait_s: float) -> PostgresqlLink:
        """The table of entries."""
        return self._open("entries", create, wait_s)

    def open_keys(self, *, create: bool, wait_s: float) -> PostgresqlLink:
        """The table of keys."""
        return self._open("keys", create, wait_s)

    @contextlib.contextmanager
    def read_log(self) -> Iterator[PostgresqlLink]:
        """A connection that was used before, or a new one."""
        link = self._idle_link() or self._connect("entries", _READ_WAIT_S, read_only=True)
        try:
            yield link
        except BaseException:
            link.close()
            raise
        with self._guard:
            if len(self._idle) < _IDLE_LINKS:
                self._idle.append(link)
                return
        link.close()

    def read_keys(self) -> contextlib.AbstractContextManager[PostgresqlLink]:
        """They are in the same schema."""
        return self.read_log()

    def has_log(self) -> bool:
        """Whether the table is there; DatabaseError where nobody can tell."""
        return self._has("entries")

    def has_keys(self) -> bool:
        """A copy restored without them has none."""
        return self._has("keys")

    def helpers(self, appended: Callable[[], int]) -> tuple[Helper, ...]:  # noqa: ARG002 - as the seam has it
        """The server does such things by itself."""
        return ()

    def _has(self, table: str) -> bool:
        with self.read_log() as link:
            return bool(link.query("SELECT to_regclass(?) IS NOT NULL", (table,))[0][0])

    def _idle_link(self) -> PostgresqlLink | None:
        """One that still works: a server that was restarted ended all of them."""
        while True:
            with self._guard:
                if not self._idle:
                    return None
                link = self._idle.pop()
            with contextlib.suppress(DatabaseError):
                link.query("SELECT 1")
                return link
            link.close()

    def _open(self, table: str, create: bool, wait_s: float) -> PostgresqlLink:
        link = self._connect(table, wait_s)
        try:
            if create:
                self._create(link)
            if not is_ours(link):
                raise DatabaseError("its tables are not those of an audit log")
        except BaseException:
            link.close()
            raise
        return link

    def _create(self, link: PostgresqlLink) -> None:
        """All of it at once where there is nothing yet; another process may be doing the same."""
        with link.transaction(
            "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (f"audit {self._server.schema}",)
        ):
            name = sql.Identifier(self._server.schema)
            if not link.query("SELECT 1 FROM pg_namespace WHERE nspname = ?", (self._server.schema,)):
                link.define(sql.SQL("CREATE SCHEMA {}").format(name))
            if not link.query("SELECT 1 FROM pg_class WHERE relnamespace = ?::regnamespace", (name.as_string(),)):
                for statement in SCHEMA:
                    link.change(statement)

    def _connect(self, table: str, wait_s: float, *, read_only: bool = False) -> PostgresqlLink:
        return PostgresqlLink(partial(sign_in, self._server, wait_s, read_only=read_only), table)
