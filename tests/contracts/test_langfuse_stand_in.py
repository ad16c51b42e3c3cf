"""The lab's stand-ins of Langfuse, its ClickHouse and its S3 store together, asked as verify and retention ask it.

Paths and statuses are those of Langfuse 4 (fern/apis/server/definition, langfuse-docs upgrade-v3-to-v4). PostgreSQL and
Redis, which are real in the lab, are SQLite and a queue here.
"""

from __future__ import annotations

import importlib.util
import json
import queue
import sqlite3
import sys
import types
import urllib.error
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from provision.verify import web_traces

ROOT = Path(__file__).parents[2]
STAND_INS = ROOT / "provision" / "lab" / "stand_ins" / "langfuse-images"
KEYS = httpx.BasicAuth("pk-lf-public", "sk-lf-secret")
ENVIRONMENT = {
    "SALT": "salt",
    "AUTH_DISABLE_SIGNUP": "true",
    "DATABASE_URL": "postgresql://langfuse@127.0.0.1/langfuse",
    "REDIS_HOST": "127.0.0.1",
    "REDIS_PORT": "6379",
    "REDIS_AUTH": "redis",
    "CLICKHOUSE_USER": "langfuse",
    "CLICKHOUSE_PASSWORD": "clickhouse",
    "LANGFUSE_S3_EVENT_UPLOAD_BUCKET": "langfuse",
    "LANGFUSE_S3_EVENT_UPLOAD_PREFIX": "events/",
    "LANGFUSE_S3_EVENT_UPLOAD_REGION": "auto",
    "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID": "langfuse",
    "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY": "minio",
    "LANGFUSE_INIT_PROJECT_ID": "acme",
    "LANGFUSE_INIT_PROJECT_NAME": "acme",
    "LANGFUSE_INIT_PROJECT_PUBLIC_KEY": "pk-lf-public",
    "LANGFUSE_INIT_PROJECT_SECRET_KEY": "sk-lf-secret",
    "LANGFUSE_PUBLIC_KEY": "pk-lf-public",
    "LANGFUSE_SECRET_KEY": "sk-lf-secret",
}


class Database:
    """As much of psycopg2's connection as is used, on SQLite."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)

    def cursor(self) -> Any:
        return closing(Cursor(self.connection.cursor()))


class Cursor:
    """psycopg2 marks values by %s, SQLite by a question mark."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor, self.fetchone, self.fetchall, self.close = cursor, cursor.fetchone, cursor.fetchall, cursor.close

    def execute(self, sql: str, values: tuple[str, ...] = ()) -> None:
        self.cursor.execute(sql.replace("%s", "?"), values)


class Queue:
    items: queue.Queue[str] = queue.Queue()

    def rpush(self, _name: str, item: str) -> None:
        self.items.put(item)

    def blpop(self, names: list[str]) -> tuple[str, str]:
        return names[0], self.items.get()


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Web's address; the others stand behind it."""
    monkeypatch.syspath_prepend(str(STAND_INS))
    monkeypatch.setitem(sys.modules, "psycopg2", types.ModuleType("psycopg2"))
    monkeypatch.setitem(sys.modules, "redis", types.ModuleType("redis"))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    import clickhouse
    import langfuse_stores
    import langfuse_web
    import langfuse_worker
    import s3_store
    from stand_in_http import make_server

    (tmp_path / "langfuse").mkdir()
    store = clickhouse.Store(tmp_path / "stand-in.sqlite", "langfuse", "clickhouse")
    objects = s3_store.Objects(tmp_path, "langfuse", "minio")
    monkeypatch.setattr(langfuse_worker, "open_queue", Queue)
    database = Database()
    langfuse_web.initialise(database)
    langfuse_web.initialise(database)  # a second start changes nothing
    servers = [
        make_server("127.0.0.1", 0, answer)
        for answer in (store.answer, objects.answer, langfuse_web.Web(database, Queue()).answer)
    ]
    ports = [server.server_address[1] for server in servers]
    monkeypatch.setenv("CLICKHOUSE_URL", f"http://127.0.0.1:{ports[0]}")
    monkeypatch.setenv("LANGFUSE_S3_EVENT_UPLOAD_ENDPOINT", f"http://127.0.0.1:{ports[1]}")
    for target in [*(server.serve_forever for server in servers), langfuse_worker.work]:
        Thread(target=target, daemon=True).start()
    langfuse_stores.run_clickhouse(langfuse_stores.TABLE)
    yield f"http://127.0.0.1:{ports[2]}"
    for server in servers:
        server.shutdown()
        server.server_close()


def send(url: str, trace: str, began: datetime) -> None:
    document = web_traces._describe_trace(trace)
    span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["startTimeUnixNano"] = span["endTimeUnixNano"] = str(int(began.timestamp()) * 10**9)
    assert httpx.post(url + web_traces.INGEST, json=document, auth=KEYS).status_code == 200


def test_verify_finds_what_it_asks_of_langfuse(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(web_traces, "_RETRY_S", 0.05)
    monkeypatch.setattr(web_traces, "open_client", lambda url, *_: httpx.Client(base_url=url, trust_env=False))
    seen = web_traces.observe_tracing(url, tmp_path, "public", "secret")
    assert (seen.health.status, seen.version, seen.project) == (200, "4.38.0", "acme")
    assert (seen.wrong_key.status, seen.sign_up.status) == (401, 422)
    assert (seen.sent.status, seen.read_back.detail, seen.removed.status) == (200, web_traces.NAME, 200)


def test_what_version_4_took_away_is_not_there(url: str) -> None:
    assert httpx.get(f"{url}/api/public/traces", auth=KEYS).status_code == 404
    old = httpx.post(f"{url}/api/public/ingestion", auth=KEYS, json={"batch": [{"id": "1", "type": "trace-create"}]})
    assert old.status_code == 207
    assert old.json()["errors"][0]["status"] == 400


def test_stores_refuse_another_secret(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import langfuse_stores

    assert langfuse_stores.ask_objects("PUT", "one", b"text") == b""
    assert langfuse_stores.ask_objects("GET", "one") == b"text"
    monkeypatch.setenv("LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY", "other")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        langfuse_stores.ask_objects("GET", "one")
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "other")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        langfuse_stores.run_clickhouse("SELECT 1")


def test_retention_deletes_the_old_and_leaves_the_new(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = importlib.util.spec_from_file_location("retention", ROOT / "roles" / "langfuse" / "files" / "retention.py")
    assert script is not None
    assert script.loader is not None
    retention = importlib.util.module_from_spec(script)
    script.loader.exec_module(retention)
    old, new = "a" * 32, "b" * 32
    send(url, old, datetime(2024, 3, 21, tzinfo=UTC))
    send(url, new, datetime.now(UTC))
    for _ in range(200):
        rows = httpx.get(url + web_traces.OBSERVATIONS, auth=KEYS).json()["data"]
        if len(rows) == 2:
            break
    monkeypatch.setattr(sys, "argv", ["retention", url, "0"])
    retention.main()
    monkeypatch.setattr(sys, "argv", ["retention", url, "30"])
    retention.main()
    assert "1 traces older than 30 days" in capsys.readouterr().out
    left = httpx.get(url + web_traces.OBSERVATIONS, auth=KEYS).json()["data"]
    assert [row["traceId"] for row in left] == [new]


def test_the_archive_is_in_the_form_of_docker_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(STAND_INS))
    import docker_archive

    (tmp_path / "layer.tar").write_bytes(b"layer")
    monkeypatch.setattr(sys, "argv", ["docker_archive", str(tmp_path), "1-abc"])
    docker_archive.main()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert {tag for entry in manifest for tag in entry["RepoTags"]} >= {"provision-stand-in/langfuse:1-abc"}
    for entry in manifest:
        config = json.loads((tmp_path / entry["Config"]).read_text())
        assert len(config["rootfs"]["diff_ids"]) == len(entry["Layers"]) == 1
