"""A trace through Langfuse, as its probe would tell it: what is green, and what each fault is called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from provision.models.plan import Plan
from provision.verify import web_traces
from provision.verify.checks.trace_ingest import judge
from provision.verify.evidence import Evidence, Verdict

Amend = Callable[..., Any]
SEEN = {
    "health": {"status": 200},
    "version": "4.38.0",
    "projects": {"status": 200},
    "project": "acme",
    "wrong_key": {"status": 401},
    "sign_up": {"status": 422},
    "sent": {"status": 200},
    "read_back": {"status": 200, "detail": "provision verify"},
    "wait_s": 1.5,
    "removed": {"status": 200},
}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "health": ({"health.status": 503}, "not healthy"),
    "keys": ({"projects.status": 401}, "keys are not taken"),
    "no project": ({"project": ""}, "keys are not taken"),
    "wrong key": ({"wrong_key.status": 200}, "wrong key is not refused"),
    "sign-up": ({"sign_up.status": 200}, "a stranger may sign up"),
    "not sent": ({"sent.status": 500}, "not taken"),
    "not there": ({"wait_s": None}, "not there after"),
    "another": ({"read_back.detail": "something else"}, "not there after"),
    "not deleted": ({"removed.status": 405}, "retention does nothing"),
    "not sent by itself": ({"decision": {"status": 200}}, "record of an answer is not there"),
}


@pytest.fixture(scope="module")
def with_traces(plan: Plan) -> Plan:
    document = json.loads(plan.model_dump_json())
    base = document["services"][0]
    document["services"].append(base | {"name": "langfuse", "port": 3000, "unit": "langfuse.service", "stand_in": True})
    document["sites"].append(document["sites"][0] | {"name": "traces", "port": 9444})
    return Plan.model_validate(document)


def verdicts(plan: Plan, web: Any) -> list[Verdict]:
    return list(judge(Evidence(plan=plan, machines={}, web=web), ""))


def test_a_trace_that_comes_back_is_green_and_a_stand_in_is_named(with_traces: Plan, web: Any, amend: Amend) -> None:
    (verdict,) = verdicts(with_traces, amend(web, {"tracing": SEEN}))
    assert verdict.status == "passed"
    assert "a stand-in of the lab for Langfuse 4.38.0" in verdict.measured


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_words(with_traces: Plan, web: Any, amend: Amend, fault: str) -> None:
    changes, words = FAULTS[fault]
    broken = amend(web, {"tracing": deepcopy(SEEN)} | {f"tracing.{path}": value for path, value in changes.items()})
    (verdict,) = verdicts(with_traces, broken)
    assert verdict.status == "failed"
    assert words in verdict.measured
    assert verdict.hint


def test_a_plan_without_it_is_not_asked(plan: Plan, with_traces: Plan, web: Any) -> None:
    assert verdicts(plan, web) == []
    assert verdicts(with_traces, web)[0].status == "failed"


class Upstream(BaseHTTPRequestHandler):
    """What the probe needs of Langfuse: one key, and the spans that were sent."""

    key, spans, late = "", [], [2]  # type: ignore[var-annotated]

    def answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        path = self.path.split("?")[0]
        status: int = 404
        found: dict[str, Any] = {}
        if path == web_traces.HEALTH:
            status, found = 200, {"status": "OK", "version": "4.38.0"}
        elif path == web_traces.SIGN_UP:
            status, found = 422, {"message": "Sign up is disabled."}
        elif self.headers.get("Authorization") != self.key:
            status = 401
        elif path == web_traces.PROJECTS:
            status, found = 200, {"data": [{"id": "acme", "name": "acme"}]}
        elif path == web_traces.INGEST:
            assert self.headers["x-langfuse-ingestion-version"] == "4"
            self.spans += body["resourceSpans"][0]["scopeSpans"][0]["spans"]
            status = 200
        elif path == web_traces.OBSERVATIONS:
            self.late[0] -= 1
            rows = [{"traceId": span["traceId"], "name": span["name"]} for span in self.spans]
            status, found = 200, {"data": [] if self.late[0] > 0 else rows}
        elif path == web_traces.TRACES and self.command == "DELETE":
            self.spans[:] = [span for span in self.spans if span["traceId"] not in body["traceIds"]]
            status = 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Upstream.key = str(httpx.BasicAuth("pk-lf-public", "sk-lf-secret")._auth_header)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_probe_sends_waits_reads_and_deletes(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_traces, "_RETRY_S", 0.01)
    monkeypatch.setattr(web_traces, "open_client", lambda url, *_: httpx.Client(base_url=url, trust_env=False))
    seen = web_traces.observe_tracing(url, tmp_path, "public", "secret")
    assert (seen.health.status, seen.version, seen.project) == (200, "4.38.0", "acme")
    assert (seen.wrong_key.status, seen.sign_up.status, seen.sent.status) == (401, 422, 200)
    assert seen.read_back.detail == web_traces.NAME
    assert seen.wait_s is not None
    assert (seen.removed.status, Upstream.spans) == (200, [])
    assert seen.decision is None
    # With another key than the service's, nothing is taken.
    assert web_traces.observe_tracing(url, tmp_path, "public", "other").sent.status == 401


def test_the_record_of_an_answer_is_looked_for_by_its_id(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = "0192f0c1-2345-7abc-8def-0123456789ab"
    monkeypatch.setattr(web_traces, "_RETRY_S", 0.01)
    monkeypatch.setattr(web_traces, "PATIENCE_S", 0.1)
    monkeypatch.setattr(web_traces, "open_client", lambda url, *_: httpx.Client(base_url=url, trust_env=False))
    assert web_traces.observe_tracing(url, tmp_path, "public", "secret", record=record).decision_wait_s is None
    Upstream.spans.append({"traceId": "0192f0c123457abc8def0123456789ab", "name": "allow internal"})
    seen = web_traces.observe_tracing(url, tmp_path, "public", "secret", record=record)
    assert seen.decision_wait_s is not None
    assert seen.decision is not None
    assert seen.decision.detail == "allow internal"


def test_a_gateway_whose_ca_is_not_known_is_no_exception(tmp_path: Path) -> None:
    assert "CA's file" in web_traces.observe_tracing("https://127.0.0.1:9", tmp_path / "none", "a", "b").sent.error
