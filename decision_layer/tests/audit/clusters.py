"""A PostgreSQL of the tests' own: in a temporary folder, on a Unix socket, run by an unprivileged user."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from decision_layer.audit.backend import Server

ROLE = "decision_layer"
_BIN = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 60
shared_buffers = 32MB
max_wal_size = 64MB
authentication_timeout = 15s
"""


class Cluster(NamedTuple):
    """One running server. `admin` is its superuser's file with the password, `password` the role's."""

    folder: Path
    programs: Path
    admin: Path
    password: Path

    def server(self, schema: str = "") -> Server:
        """What the decision layer is told; without a name a schema that nobody has."""
        name = schema or f"s{secrets.token_hex(6)}"
        return Server(f"postgresql://{ROLE}@/{ROLE}?host={self.folder}", self.password, name)

    def connect(self, schema: str = "public", *, user: str = "admin", **more: Any) -> psycopg.Connection[Any]:
        """Past the decision layer; as the superuser unless told otherwise."""
        password = (self.admin if user == "admin" else self.password).read_text()
        given = {"host": str(self.folder), "dbname": ROLE, "user": user, "password": password, "autocommit": True}
        return psycopg.connect(
            **{**given, **more}, options=f"-c search_path={schema} -c default_transaction_read_only=off"
        )

    def run(self, statement: str) -> None:
        """As the superuser."""
        with self.connect() as link:
            link.execute(statement.encode())

    def control(self, *words: str) -> None:
        """pg_ctl: start, stop, restart."""
        _run([self.programs / "pg_ctl", "-D", self.folder / "data", "-w", "-s", "-l", self.folder / "log", *words])

    def set(self, **settings: str) -> None:
        """ALTER SYSTEM and a reload, so that running sessions see it; an empty value takes the setting back."""
        for name, value in settings.items():
            self.run(f"ALTER SYSTEM SET {name} = '{value}'" if value else f"ALTER SYSTEM RESET {name}")
        self.run("SELECT pg_reload_conf()")


def missing() -> str:
    """Why there can be no cluster here; "" where there can."""
    if not _BIN:
        return "no PostgreSQL is installed (apt-get install postgresql)"
    try:
        pwd.getpwnam("postgres")
    except KeyError as error:
        return f"PostgreSQL cannot be run here: {error}"
    return ""


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Made, started, and gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path has at most 107 bytes
    found = Cluster(folder, _BIN[-1].parent, folder / "admin", folder / "password")
    try:
        for secret in (found.admin, found.password):
            secret.write_text(secrets.token_hex(16))
        if os.geteuid() == 0:
            for path in (folder, found.admin, found.password):
                shutil.chown(path, "postgres")
        where: list[str | Path] = ["-D", folder / "data", "--no-sync", "-E", "UTF8", "--locale=C"]
        _run([found.programs / "initdb", *where, "-U", "admin", "--auth=scram-sha-256", f"--pwfile={found.admin}"])
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS.format(folder=folder))
        found.control("start")
        with found.connect(dbname="postgres") as link:
            link.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{found.password.read_text()}'".encode())
            link.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}".encode())
        yield found
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            found.control("stop", "-m", "immediate")
        shutil.rmtree(folder)


def _run(command: list[str | Path]) -> None:
    """PostgreSQL refuses to run as root."""
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(command, check=True, cwd="/", capture_output=True, text=True, timeout=60, **user)  # type: ignore[call-overload]
