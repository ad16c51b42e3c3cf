"""The pages to contest, review and approve: what is green, what each fault is called; the probe against a stand-in."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx
import pytest

from provision.models.plan import Plan, Site
from provision.models.profile import SignOn
from provision.verify import web_challenge
from provision.verify.checks.challenge import judge
from provision.verify.evidence import Evidence, Verdict
from provision.verify.web_challenge import APPROVE, CLOSED, FORM, REVIEW, observe_challenge

Amend = Callable[..., Any]
SEEN: dict[str, Any] = {
    "form": {"status": 200},
    "review": {"status": 401},
    "approve": {"status": 401},
    "wrong_password": {"status": 401},
    "reviewer": {"status": 200},
    "closed": [{"path": path, "step": {"status": 404}} for path in CLOSED],
}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "silent": ({"form.status": None, "form.error": "refused"}, "nobody can contest a decision"),
    "not let through": ({"form.status": 404}, "nobody can contest a decision: HTTP 404"),
    "open reviews": ({"review.status": 200}, "to review is not refused: HTTP 200"),
    "open approvals": ({"approve.status": 400}, "to approve is not refused: HTTP 400"),
    "any password": ({"wrong_password.status": 200}, "a wrong password is not refused"),
    "models behind it": ({"closed.0.step.status": 401}, "/v1/models is behind the site: HTTP 401"),
    "metrics behind it": ({"closed.3.step.status": 401}, "/metrics is behind the site"),
    "another password": ({"reviewer.status": 401}, "rita cannot review: HTTP 401"),
    "nobody asked": ({"reviewer": None}, "rita cannot review: not asked"),
}


@pytest.fixture(scope="module")
def with_pages(plan: Plan) -> Plan:
    document = json.loads(plan.model_dump_json())
    document["sites"].append(document["sites"][0] | {"name": "challenge", "port": 9445})
    document["routing"]["reviewers"] = ["rita"]
    return Plan.model_validate(document)


def verdicts(plan: Plan, web: Any) -> list[Verdict]:
    return list(judge(Evidence(plan=plan, machines={}, web=web), ""))


def test_pages_that_ask_who_are_green(with_pages: Plan, web: Any, amend: Amend) -> None:
    (verdict,) = verdicts(with_pages, amend(web, {"challenge": SEEN}))
    assert verdict.status == "passed"
    assert "rita may review; 5 other paths HTTP 404" in verdict.measured


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(fault: str, with_pages: Plan, web: Any, amend: Amend) -> None:
    changes, words = FAULTS[fault]
    seen = amend(amend(web, {"challenge": SEEN}), {f"challenge.{path}": value for path, value in changes.items()})
    (verdict,) = verdicts(with_pages, seen)
    assert verdict.status == "failed"
    assert words in verdict.measured
    assert verdict.hint


def test_without_reviewers_nobody_is_let_in_and_the_rest_is_judged(with_pages: Plan, web: Any, amend: Amend) -> None:
    nobody = with_pages.model_copy(update={"routing": with_pages.routing.model_copy(update={"reviewers": ()})})
    seen = amend(web, {"challenge": SEEN | {"reviewer": None}})
    (verdict,) = verdicts(nobody, seen)
    assert (verdict.status, "nobody who may review" in verdict.measured) == ("passed", True)
    (verdict,) = verdicts(nobody, amend(seen, {"challenge.form.status": 502}))
    assert verdict.status == "failed"


def test_where_it_is_not_asked(plan: Plan, with_pages: Plan, web: Any) -> None:
    assert verdicts(plan, web) == []
    (verdict,) = verdicts(with_pages, web)
    assert (verdict.status, verdict.measured) == ("failed", "not asked")
    guarded = with_pages.model_copy(
        update={"sign_on": SignOn(url="http://auth.house/verify", addresses=(IPv4Address("10.42.0.99"),))}
    )
    assert verdicts(guarded, web) == []


RIGHT = f"Basic {b64encode(b'rita:right').decode()}"


def answer(request: httpx.Request) -> httpx.Response:
    """A stand-in of gateway and pages."""
    if request.url.path == FORM:
        return httpx.Response(200)
    if request.url.path in (REVIEW, APPROVE):
        return httpx.Response(200 if request.headers.get("authorization") == RIGHT else 401)
    return httpx.Response(404)


@pytest.mark.parametrize(("who", "password", "status"), [("rita", "right", 200), ("rita", "old", 401), ("", "", None)])
def test_the_probe_files_nothing(
    who: str, password: str, status: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return answer(request)

    client = httpx.Client(base_url="https://challenge.example", transport=httpx.MockTransport(note))
    monkeypatch.setattr(web_challenge, "open_client", lambda *_: client)
    site = Site(name="challenge", purpose="", host="challenge.example", port=443, url=str(client.base_url), upstream="")
    seen = observe_challenge(site, tmp_path, who, password)
    assert (seen.form.status, seen.review.status, seen.approve.status, seen.wrong_password.status) == (
        200,
        401,
        401,
        401,
    )
    assert (seen.reviewer.status if seen.reviewer else None) == status
    assert [(item.path, item.step.status) for item in seen.closed] == [(path, 404) for path in CLOSED]
    assert set(asked) == {"GET"}
    assert password not in seen.model_dump_json() or not password


def test_an_answer_that_does_not_come_is_an_observation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = httpx.Client(base_url="https://challenge.example", transport=httpx.MockTransport(refuse))
    monkeypatch.setattr(web_challenge, "open_client", lambda *_: client)
    site = Site(name="challenge", purpose="", host="challenge.example", port=443, url=str(client.base_url), upstream="")
    assert "refused" in observe_challenge(site, tmp_path, "rita", "right").form.error
