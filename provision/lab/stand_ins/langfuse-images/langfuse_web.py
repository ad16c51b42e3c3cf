"""Stand-in of Langfuse 4's web: the first project and its keys from LANGFUSE_INIT_*, traces in by OTLP/HTTP as JSON,
observations out by the v2 API, batches of traces deleted. What v4 took away answers as v4 does (upgrade-v3-to-v4)."""

from __future__ import annotations

import hmac
import json
import os
import uuid
from base64 import b64decode
from typing import Any

from langfuse_stores import QUEUE, TABLE, ask_objects, open_database, open_queue, run_clickhouse, wait_for
from stand_in_http import Answer, make_server

VERSION = "4.38.0"
_UNKNOWN: Answer = (404, {"message": "Not Found"})


def digest(secret: str) -> str:
    return hmac.digest(os.environ["SALT"].encode(), secret.encode(), "sha256").hex()


def initialise(database: Any) -> None:
    """As upstream: what exists already stays as it is."""
    named = {name: os.environ.get(f"LANGFUSE_INIT_{name}", "") for name in ("PROJECT_ID", "PROJECT_NAME")}
    keys = [os.environ.get(f"LANGFUSE_INIT_PROJECT_{kind}_KEY", "") for kind in ("PUBLIC", "SECRET")]
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS projects (id text PRIMARY KEY, name text)")
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS api_keys (public_key text PRIMARY KEY, hashed text, project_id text)"
        )
        if named["PROJECT_ID"] and all(keys):
            cursor.execute("INSERT INTO projects VALUES (%s, %s) ON CONFLICT DO NOTHING", tuple(named.values()))
            values = (keys[0], digest(keys[1]), named["PROJECT_ID"])
            cursor.execute("INSERT INTO api_keys VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", values)


def find_project(database: Any, header: str) -> str | None:
    """The project of a request's keys, or None."""
    scheme, _, encoded = header.partition(" ")
    try:
        public, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    with database.cursor() as cursor:
        cursor.execute("SELECT hashed, project_id FROM api_keys WHERE public_key = %s", (public,))
        row = cursor.fetchone()
    known = scheme == "Basic" and row and hmac.compare_digest(row[0], digest(secret))
    return str(row[1]) if known else None


class Web:
    def __init__(self, database: Any, queue: Any) -> None:
        self.database, self.queue = database, queue

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> Answer:
        if (method, path) in {("GET", "/api/public/health"), ("HEAD", "/api/public/health")}:
            return 200, {"status": "OK", "version": VERSION}
        if (method, path) == ("POST", "/api/auth/signup"):
            closed = os.environ.get("AUTH_DISABLE_SIGNUP") == "true"
            return (422, {"message": "Sign up is disabled."}) if closed else (200, {"message": "User created"})
        if not path.startswith("/api/public/"):
            return _UNKNOWN
        project = find_project(self.database, headers.get("Authorization") or "")
        if project is None:
            return 401, {"message": "Invalid credentials. Confirm that you've configured the correct host."}
        return self.serve(method, path, query, headers, body, project)

    def serve(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes, project: str) -> Answer:
        match method, path:
            case "GET", "/api/public/projects":
                with self.database.cursor() as cursor:
                    cursor.execute("SELECT id, name FROM projects WHERE id = %s", (project,))
                    return 200, {"data": [{"id": key, "name": name} for key, name in cursor.fetchall()]}
            case "POST", "/api/public/otel/v1/traces":
                if headers.get("Content-Type", "").split(";")[0] != "application/json":
                    return 415, {"message": "the stand-in reads OTLP in its JSON form only"}
                json.loads(body)
                key = f"{project}/otel/{uuid.uuid4()}.json"
                ask_objects("PUT", key, body)
                self.queue.rpush(QUEUE, json.dumps({"project": project, "key": key}))
                return 200, {}
            case "GET", "/api/public/v2/observations":
                return 200, {"data": find_observations(project, query), "meta": {}}
            case "DELETE", "/api/public/traces":
                traces = json.loads(body)["traceIds"]
                for trace in traces:
                    statement = "DELETE FROM events_full WHERE project_id = {p:String} AND trace_id = {t:String}"
                    run_clickhouse(statement, p=project, t=trace)
                return 200, {"message": "Traces deleted successfully"}
            case "POST", "/api/public/ingestion":
                events = json.loads(body).get("batch", [])
                errors = [{"id": event.get("id"), "status": 400, "message": "use OpenTelemetry"} for event in events]
                return 207, {"successes": [], "errors": errors}
        return _UNKNOWN


def find_observations(project: str, query: dict[str, str]) -> list[dict[str, Any]]:
    """By trace, and by the times between which they began. Attributes only if the field group metadata is asked for."""
    rows = run_clickhouse(
        "SELECT * FROM events_full WHERE project_id = {p:String} AND ({t:String} = '' OR trace_id = {t:String})"
        " AND start_time >= {a:String} AND ({b:String} = '' OR start_time < {b:String})"
        " ORDER BY start_time DESC LIMIT 1000 FORMAT JSONEachRow",
        p=project,
        t=query.get("traceId", ""),
        a=query.get("fromStartTime", ""),
        b=query.get("toStartTime", ""),
    )
    with_metadata = "metadata" in query.get("fields", "").split(",")
    return [
        {
            "id": row["span_id"],
            "traceId": row["trace_id"],
            "parentObservationId": row["parent_span_id"] or None,
            "projectId": row["project_id"],
            "type": "SPAN",
            "name": row["name"],
            "startTime": row["start_time"],
            "endTime": row["end_time"],
            "isRootObservation": not row["parent_span_id"],
            **({"metadata": {"attributes": json.loads(row["attributes"])}} if with_metadata else {}),
        }
        for row in rows
        if query.get("isRootObservation") != "true" or not row["parent_span_id"]
    ]


def main() -> None:
    database = wait_for(open_database)
    initialise(database)
    wait_for(lambda: run_clickhouse(TABLE))
    web = Web(database, open_queue())
    make_server(os.environ.get("HOSTNAME", "0.0.0.0"), int(os.environ.get("PORT", "3000")), web.answer).serve_forever()  # noqa: S104


if __name__ == "__main__":
    main()
