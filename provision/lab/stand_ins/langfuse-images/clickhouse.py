"""Stand-in of ClickHouse: its HTTP interface on port 8123, a user and password demanded, and SQLite behind it.

It takes what this folder's worker and web send: CREATE TABLE, INSERT ... FORMAT JSONEachRow, SELECT and DELETE in the
SQL that both dialects share, with values as parameters ({name:String} and param_name, as ClickHouse has them).
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from pathlib import Path
from threading import Lock
from typing import Any

from stand_in_http import Answer, make_server

DATA = Path("/var/lib/clickhouse")
_INSERT = re.compile(r"INSERT INTO (\w+) FORMAT JSONEachRow", re.IGNORECASE)


class Store:
    """One SQLite file; one statement at a time."""

    def __init__(self, file: Path, user: str, password: str) -> None:
        self.user, self.password = user, password
        self.database = sqlite3.connect(file, check_same_thread=False)
        self.database.row_factory = sqlite3.Row
        self.lock = Lock()

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> Answer:
        if path == "/ping":
            return 200, b"Ok.\n"
        if (headers.get("X-ClickHouse-User"), headers.get("X-ClickHouse-Key")) != (self.user, self.password):
            return 403, b"Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)\n"
        if method != "POST":
            return 405, b"the stand-in takes statements by POST\n"
        return 200, self.run(query.get("query", ""), query, body)

    def run(self, statement: str, query: dict[str, str], body: bytes) -> bytes:
        with self.lock, self.database:
            if found := _INSERT.fullmatch(statement.strip()):
                return self.insert(found[1], [json.loads(line) for line in body.splitlines() if line.strip()])
            sql = re.sub(r"\{(\w+):\w+\}", r":\1", statement or body.decode()).replace("FORMAT JSONEachRow", "")
            values = {name[len("param_") :]: value for name, value in query.items() if name.startswith("param_")}
            rows = self.database.execute(sql, values).fetchall()
            return b"".join(json.dumps(dict(row)).encode() + b"\n" for row in rows)

    def insert(self, table: str, rows: list[dict[str, Any]]) -> bytes:
        for row in rows:
            names = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            self.database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)  # noqa: S608
        return b""


def main() -> None:
    store = Store(DATA / "stand-in.sqlite", os.environ["CLICKHOUSE_USER"], os.environ["CLICKHOUSE_PASSWORD"])
    make_server("0.0.0.0", 8123, store.answer).serve_forever()  # noqa: S104 - inside its container


if __name__ == "__main__":
    main()
