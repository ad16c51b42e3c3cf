"""A connection to PostgreSQL that keeps what the log promises: every wait bounded, every commit on disk.

`synchronous_commit` is set for each connection, `fsync` and `full_page_writes` are asked for: a server that would
answer before its disk has the entry is refused.
"""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg
from psycopg import conninfo, sql

from decision_layer.audit.backend import DatabaseError, Server
from decision_layer.audit.postgresql_link import told

_CONNECT_S = 2  # the least that libpq waits, https://www.postgresql.org/docs/15/libpq-connect.html
_OUTSIDE = "60s"  # a gateway that stopped in the middle of a transaction holds the log's lock no longer


def sign_in(server: Server, wait_s: float, *, read_only: bool) -> psycopg.Connection[Any]:
    """`wait_s` bounds a wait for a lock and for a network that swallows everything. DatabaseError."""
    milliseconds = max(1, int(wait_s * 1000))
    given = _parameters(server)
    with told():
        raw = psycopg.connect(**given, autocommit=True, tcp_user_timeout=milliseconds)
    try:
        with told():
            settings = {
                "search_path": sql.Identifier(server.schema).as_string(),
                "lock_timeout": str(milliseconds),
                "idle_in_transaction_session_timeout": _OUTSIDE,
                **({"default_transaction_read_only": "on"} if read_only else {}),
            }
            setting = sql.SQL("set_config({}, {}, false)")
            raw.execute(sql.SQL("SELECT ") + sql.SQL(", ").join(setting.format(*pair) for pair in settings.items()))
            if not read_only:
                _demand_durable(raw)
    except BaseException:
        raw.close()
        raise
    return raw


def where(server: Server) -> str:
    """Host, port, database and schema, for people."""
    with contextlib.suppress(psycopg.Error):
        given = conninfo.conninfo_to_dict(server.url)
        host, port = given.get("host", "local socket"), given.get("port", 5432)
        return f"PostgreSQL at {host}:{port}, database {given.get('dbname', '')}, schema {server.schema}"
    return "PostgreSQL"


def _parameters(server: Server) -> dict[str, Any]:
    """The URL's, and the password from its file."""
    try:
        given = dict(conninfo.conninfo_to_dict(server.url))
    except psycopg.Error as error:
        raise DatabaseError(f"the URL of the database cannot be read: {error}") from None
    if "password" in given:
        raise DatabaseError("the URL of the database holds a password, which belongs into a file")
    if server.password_file is not None:
        try:
            given["password"] = server.password_file.read_text("utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise DatabaseError(f"{server.password_file}: {type(error).__name__}") from error
    # Without a word about it libpq would go on without TLS; a Unix socket has none and needs none.
    defaults = {"sslmode": "require", "connect_timeout": _CONNECT_S, "application_name": "decision-layer audit"}
    return {**defaults, **given, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def _demand_durable(raw: psycopg.Connection[Any]) -> None:
    """https://www.postgresql.org/docs/15/runtime-config-wal.html: what a COMMIT must have done before it returns."""
    raw.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') <> 'remote_apply'"  # which waits for more still
    )
    row = raw.execute("SELECT current_setting('fsync'), current_setting('full_page_writes')").fetchone()
    if row != ("on", "on"):
        raise DatabaseError("the server does not write to its disk before it answers (fsync or full_page_writes off)")
