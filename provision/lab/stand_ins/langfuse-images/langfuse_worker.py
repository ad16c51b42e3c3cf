"""Stand-in of Langfuse's worker: uploads off the queue, their content from the bucket, rows to ClickHouse."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from langfuse_stores import QUEUE, TABLE, ask_objects, open_queue, run_clickhouse, wait_for
from stand_in_http import Answer, make_server


def read_spans(project: str, document: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of one OTLP request in its JSON form (opentelemetry.proto, ExportTraceServiceRequest)."""
    return [
        {
            "project_id": project,
            "trace_id": span["traceId"],
            "span_id": span["spanId"],
            "parent_span_id": span.get("parentSpanId", ""),
            "name": span.get("name", ""),
            "start_time": _moment(span["startTimeUnixNano"]),
            "end_time": _moment(span["endTimeUnixNano"]),
            "attributes": json.dumps(
                {item["key"]: next(iter(item["value"].values())) for item in span.get("attributes", [])}
            ),
        }
        for resource in document.get("resourceSpans", [])
        for scope in resource.get("scopeSpans", [])
        for span in scope.get("spans", [])
    ]


def _moment(nanoseconds: str) -> str:
    return datetime.fromtimestamp(int(nanoseconds) / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def work() -> None:
    queue = open_queue()
    while True:
        _, item = queue.blpop([QUEUE])
        job = json.loads(item)
        rows = read_spans(job["project"], json.loads(ask_objects("GET", job["key"])))
        if rows:
            run_clickhouse("INSERT INTO events_full FORMAT JSONEachRow", rows)


def answer(_method: str, path: str, _query: dict[str, str], _headers: Any, _body: bytes) -> Answer:
    return (200, {"status": "ok"}) if path == "/api/health" else (404, {"message": "Not Found"})


def main() -> None:
    wait_for(lambda: run_clickhouse(TABLE))
    wait_for(lambda: open_queue().ping())
    server = make_server(os.environ.get("HOSTNAME", "0.0.0.0"), int(os.environ.get("PORT", "3030")), answer)  # noqa: S104
    Thread(target=server.serve_forever, daemon=True).start()
    work()


if __name__ == "__main__":
    main()
