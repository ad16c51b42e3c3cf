"""The four stores behind Langfuse, as its environment names them: PostgreSQL and Redis real, the others stand-ins."""

from __future__ import annotations

import json
import os
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import redis  # type: ignore[import-not-found]
from s3_store import sign

QUEUE = "otel-ingestion-queue"
TABLE = (
    "CREATE TABLE IF NOT EXISTS events_full (project_id String, trace_id String, span_id String, parent_span_id String,"
    " name String, start_time String, end_time String, attributes String)"
)
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def open_database() -> Any:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    return connection


def open_queue() -> Any:
    return redis.Redis(
        host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]), password=os.environ["REDIS_AUTH"]
    )


def run_clickhouse(statement: str, rows: list[dict[str, str]] | None = None, **values: str) -> list[dict[str, str]]:
    """One statement of ClickHouse's HTTP interface; its rows."""
    query = {"query": statement} | {f"param_{name}": value for name, value in values.items()}
    body = "\n".join(json.dumps(row) for row in rows or []).encode()
    headers = {
        "X-ClickHouse-User": os.environ["CLICKHOUSE_USER"],
        "X-ClickHouse-Key": os.environ["CLICKHOUSE_PASSWORD"],
    }
    url = f"{os.environ['CLICKHOUSE_URL']}/?{urllib.parse.urlencode(query)}"
    with _OPENER.open(urllib.request.Request(url, body, headers, method="POST"), timeout=20) as answer:  # noqa: S310
        return [json.loads(line) for line in answer.read().splitlines()]


def ask_objects(method: str, key: str, body: bytes = b"") -> bytes:
    """One object of the bucket for events, signed as S3 wants it."""
    prefix = "LANGFUSE_S3_EVENT_UPLOAD_"
    path = f"/{os.environ[prefix + 'BUCKET']}/{os.environ[prefix + 'PREFIX']}{key}"
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    region, user = os.environ[prefix + "REGION"], os.environ[prefix + "ACCESS_KEY_ID"]
    signature = sign(os.environ[prefix + "SECRET_ACCESS_KEY"], moment[:8], region, moment, method, path, body)
    scope = f"{user}/{moment[:8]}/{region}/s3/aws4_request"
    headers = {
        "x-amz-date": moment,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=x-amz-date, Signature={signature}",
    }
    url = os.environ[prefix + "ENDPOINT"] + path
    with _OPENER.open(urllib.request.Request(url, body or None, headers, method=method), timeout=20) as answer:  # noqa: S310
        found: bytes = answer.read()
        return found


def wait_for(what: Any, seconds: float = 60.0) -> Any:
    """What a store's opener brings, tried again while it refuses."""
    end = time.monotonic() + seconds
    while True:
        try:
            return what()
        except Exception as error:
            if time.monotonic() >= end:
                raise
            print(f"waiting for a store: {type(error).__name__}")
            time.sleep(1)
