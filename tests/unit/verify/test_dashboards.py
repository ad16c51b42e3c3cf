"""Grafana, as its probe would tell it: what is green, and what each fault is called; the probe against a stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from provision.models.monitoring import list_dashboards
from provision.models.plan import Plan, Site
from provision.verify import web_dashboards
from provision.verify.checks.dashboards import judge
from provision.verify.evidence import Evidence, Verdict

Amend = Callable[..., Any]
NAMES = ("overview", "engines", "gpus", "gateway", "hosts")
SEEN = {
    "health": {"status": 200},
    "version": "13.1.7-stand-in",
    "anonymous": {"status": 401},
    "wrong_password": {"status": 401},
    "sign_in": {"status": 200},
    "search": {"status": 200},
    "found": [*NAMES, "of-somebody"],
    "queries": [{"dashboard": name, "query": "up", "series": 2} for name in NAMES]
    + [{"dashboard": "hosts", "query": "failed == 1"}],
}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "silent": ({"health.status": None, "health.error": "refused"}, "does not answer through the gateway"),
    "open": ({"anonymous.status": 200}, "nobody in particular is not refused: HTTP 200"),
    "open to all": ({"wrong_password.status": 200}, "an unknown account is not refused"),
    "sign-in": ({"sign_in.status": 401}, "the administrator cannot sign in: HTTP 401"),
    "not listed": ({"search.status": 500}, "are not listed"),
    "not loaded": ({"found": list(NAMES[1:])}, "not loaded: overview"),
    "query": ({"queries.0.error": "parse error", "queries.0.series": 0}, "a query of overview fails: up (parse error)"),
    "empty": ({"queries.2.series": 0}, "nothing to show: gpus"),
}


@pytest.fixture(scope="module")
def with_grafana(plan: Plan) -> Plan:
    document = json.loads(plan.model_dump_json())
    base = document["services"][0]
    document["services"].append(base | {"name": "grafana", "port": 3000, "unit": "grafana.service"})
    document["sites"].append(document["sites"][0] | {"name": "metrics", "port": 9443})
    return Plan.model_validate(document)


def verdicts(plan: Plan, web: Any) -> list[Verdict]:
    return list(judge(Evidence(plan=plan, machines={}, web=web), ""))


def test_dashboards_with_data_are_green(with_grafana: Plan, web: Any, amend: Amend) -> None:
    assert list_dashboards(with_grafana) == NAMES
    (verdict,) = verdicts(with_grafana, amend(web, {"dashboards": SEEN}))
    assert verdict.status == "passed"
    assert "13.1.7-stand-in" in verdict.measured
    assert "5 of 6 queries have data" in verdict.measured


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(fault: str, with_grafana: Plan, web: Any, amend: Amend) -> None:
    changes, words = FAULTS[fault]
    seen = amend(amend(web, {"dashboards": SEEN}), {f"dashboards.{path}": value for path, value in changes.items()})
    (verdict,) = verdicts(with_grafana, seen)
    assert verdict.status == "failed"
    assert words in verdict.measured


def test_a_stack_without_grafana_is_not_judged(plan: Plan, with_grafana: Plan, web: Any) -> None:
    assert verdicts(plan, web) == []
    (verdict,) = verdicts(with_grafana, web)
    assert (verdict.status, verdict.measured) == ("failed", "not asked")


BOARD = {"dashboard": {"panels": [{"targets": [{"expr": "up"}, {"expr": "broken("}]}, {"targets": [{"expr": "up"}]}]}}


def answer(request: httpx.Request) -> httpx.Response:
    """Grafana, whose session is a cookie, with one dashboard."""
    if request.url.path == "/login":
        right = json.loads(request.content)["password"] == "right"
        return httpx.Response(200 if right else 401, headers={"Set-Cookie": "grafana_session=1"} if right else {})
    if request.url.path == "/api/health":
        return httpx.Response(200, json={"version": "13.1.7"})
    if "grafana_session=1" not in request.headers.get("Cookie", ""):
        return httpx.Response(401, json={"message": "Unauthorized"})
    if request.url.path == "/api/search":
        return httpx.Response(200, json=[{"uid": "hosts"}])
    if request.url.path == "/api/dashboards/uid/hosts":
        return httpx.Response(200, json=BOARD)
    if request.url.params.get("query") == "up":
        return httpx.Response(200, json={"status": "success", "data": {"result": [{}, {}]}})
    return httpx.Response(400, json={"status": "error", "error": "parse error"})


@pytest.mark.parametrize(("password", "status"), [("right", 200), ("wrong", 401)])
def test_the_probe_asks_each_query_once(
    password: str, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = httpx.Client(base_url="https://metrics.example", transport=httpx.MockTransport(answer))
    monkeypatch.setattr(web_dashboards, "open_client", lambda *_: client)
    site = Site(name="metrics", purpose="", host="metrics.example", port=443, url=str(client.base_url), upstream="")
    seen = web_dashboards.observe_dashboards(site, tmp_path, "admin@ai.internal", password, ("hosts", "gpus"))
    assert (seen.anonymous.status, seen.wrong_password.status, seen.sign_in.status) == (401, 401, status)
    told = [(query.query, query.series, query.error) for query in seen.queries]
    assert told == ([("up", 2, ""), ("broken(", 0, "parse error")] if password == "right" else [])


def test_ollama_tells_no_metrics_and_has_no_board_of_engines(with_grafana: Plan) -> None:
    document = json.loads(with_grafana.model_dump_json())
    document["engines"] = [engine | {"service": "ollama"} for engine in document["engines"]]
    assert list_dashboards(Plan.model_validate(document)) == tuple(name for name in NAMES if name != "engines")
