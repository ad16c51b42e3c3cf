"""Accounts and sessions of the stand-in of Grafana, in grafana.db; the first account is made at the first start."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from pathlib import Path

_TABLE = "create table if not exists user (id integer primary key, login text, email text, salt blob, hash blob)"


class Accounts:
    """One connection per call: the server has many threads."""

    def __init__(self, data: Path) -> None:
        self.path = data / "grafana.db"
        self.sessions: dict[str, str] = {}

    def start(self, login: str, email: str, password: str) -> None:
        """The administrator, where there is no account yet: a later password in the settings changes nothing."""
        with self._open() as database:
            database.execute(_TABLE)
            if database.execute("select count(*) from user").fetchone()[0] == 0:
                salt, digest = _hash(password)
                database.execute("insert into user values (1, ?, ?, ?, ?)", (login, email, salt, digest))

    def reset(self, password: str) -> None:
        """As `grafana cli admin reset-admin-password` does for the first account."""
        salt, digest = _hash(password)
        with self._open() as database:
            database.execute("update user set salt = ?, hash = ? where id = 1", (salt, digest))

    def check(self, login: str, password: str) -> str | None:
        """The login of whom this name or address and password are, or None."""
        with self._open() as database:
            row = database.execute(
                "select login, salt, hash from user where login = ? or email = ?", (login, login)
            ).fetchone()
        return str(row[0]) if row and hmac.compare_digest(_hash(password, row[1])[1], row[2]) else None

    def open_session(self, login: str) -> str:
        token = secrets.token_hex(16)
        self.sessions[token] = login
        return token

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=10)


def _hash(password: str, salt: bytes | None = None) -> tuple[bytes, bytes]:
    salt = salt or secrets.token_bytes(16)
    return salt, hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 10_000)
