"""The decision layer as its probe would tell it: what is green, and what each fault is called."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.models.observation_decision import DecisionObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.verify.checks import decision_chat, decision_endpoints, decision_record, decision_stays_home
from provision.verify.evidence import Evidence, Verdict

ID = "0199f1c2-0000-7000-8000-000000000001"
ANSWER = {"step": {"status": 200, "seconds": 1.0}, "text": "Paris", "rule": "otherwise", "record": ID}
HOME = {"zone": "self-hosted", "model": "chat"}
LOCAL = ANSWER | HOME | {"data_class": "internal"}
SEEN: dict[str, Any] = {
    "plain": LOCAL,
    "confidential": ANSWER | HOME | {"data_class": "personal"},
    "without_key": 401,
    "home_zones": ["self-hosted"],
    "record": HOME | {"data_class": "internal", "result": "completed"},
    "chain_whole": True,
    "chain": "whole: 4 entries",
    "endpoints": [
        {"model": "chat", "endpoint": way, "answer": LOCAL, "form": form, "output_tokens": 8}
        for way, form in (("responses", "response"), ("messages", "message"))
    ],
}


@pytest.fixture
def placed(plan: Plan) -> Plan:
    document = json.loads(plan.model_dump_json())
    base = next(service for service in document["services"] if service["name"] == "caddy")
    document["services"].append(base | {"name": "decision_layer", "port": 8300, "unit": "decision-layer.service"})
    return Plan.model_validate(document)


def judged(plan: Plan, web: WebObservation, **changes: Any) -> list[Verdict]:
    """Of all four checks. A change is a path in the observation; a number is a place in a list."""
    document = json.loads(json.dumps(SEEN))
    for path, value in changes.items():
        *folders, last = path.split("__")
        place = document
        for folder in folders:
            place = place[int(folder) if isinstance(place, list) else folder]
        place[last] = value
    seen = web.model_copy(update={"decision": DecisionObservation.model_validate(document)})
    evidence = Evidence(plan=plan, machines={}, web=seen)
    checks = (decision_chat, decision_record, decision_stays_home, decision_endpoints)
    return [verdict for check in checks for verdict in check.judge(evidence, "")]


def test_a_good_answer_is_green_four_times(placed: Plan, web: WebObservation) -> None:
    verdicts = judged(placed, web)
    assert [verdict.status for verdict in verdicts] == ["passed"] * 4
    assert ID in verdicts[1].measured
    assert "zone self-hosted, class personal" in verdicts[2].measured
    assert verdicts[3].measured == "/v1/responses: 8 tokens; /v1/messages: 8 tokens"


@pytest.mark.parametrize(
    ("check", "changes", "said"),
    [
        (0, {"plain__step": {"status": 502}}, "no answer"),
        (0, {"plain__rule": ""}, "the headers name only"),
        (0, {"plain__zone": "eu-cloud", "record__zone": "eu-cloud"}, "and eu-cloud answered"),
        (0, {"without_key": 200}, "a request without a key is answered by HTTP 200"),
        (1, {"record__data_class": "public"}, "the answer names the class internal, its record public"),
        (1, {"record": {"error": "no record"}}, f"no record {ID}: no record"),
        (1, {"chain_whole": False, "chain": "NOT WHOLE: 4 entries"}, "the chain is not whole: NOT WHOLE"),
        (1, {"chain_whole": None, "chain": "what: no key"}, "the chain could not be verified: what: no key"),
        (2, {"confidential__zone": "eu-cloud"}, "it went to eu-cloud"),
        (2, {"confidential__data_class": "public"}, "its class is public"),
        (2, {"confidential__step": {"status": 403}}, "no answer"),
        (3, {"endpoints__1__answer__step": {"status": 404}}, "/v1/messages: no answer: HTTP 404"),
        (3, {"endpoints__0__form": "chat.completion"}, "no response with a token in it, but 'chat.completion' with 8"),
        (3, {"endpoints__1__output_tokens": 0}, "no message with a token in it"),
        (3, {"endpoints__0__answer__zone": "eu-cloud"}, "chat in eu-cloud answered"),
        (3, {"endpoints__0__answer__record": ""}, "names no record"),
        (3, {"endpoints": []}, "/v1/responses: not asked: an earlier question got no answer"),
        (3, {"endpoints": [], "error": "KeyError: 'result'"}, "/v1/responses: not asked: KeyError"),
    ],
)
def test_each_fault_has_its_words(
    placed: Plan, web: WebObservation, check: int, changes: dict[str, Any], said: str
) -> None:
    verdicts = judged(placed, web, **changes)
    assert [index for index, verdict in enumerate(verdicts) if verdict.status == "failed"] == [check]
    assert said in verdicts[check].measured
    assert verdicts[check].hint


def test_who_was_not_asked_is_red_and_who_is_not_placed_is_silent(
    plan: Plan, placed: Plan, web: WebObservation
) -> None:
    silent = Evidence(plan=placed, machines={}, web=web.model_copy(update={"decision": None}))
    (verdict,) = decision_chat.judge(silent, "")
    assert (verdict.status, verdict.measured) == ("failed", "not asked")
    assert list(decision_chat.judge(Evidence(plan=plan, machines={}, web=web), "")) == []
