"""A document in Open WebUI, as its probe would tell it: what is green, and what each fault is called."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from provision.models.observation_web import DocumentObservation
from provision.models.plan import Plan
from provision.verify.checks.document_cited import judge
from provision.verify.evidence import Evidence, Verdict

Amend = Callable[..., Any]
# As the probe told it of Open WebUI 0.12.4 with its own embedding model and the lab's stand-in of Qdrant.
SEEN = {
    "sign_in": {"status": 200},
    "upload": {"status": 200, "seconds": 0.4},
    "stored": {"title": "qdrant", "version": "1.19.2", "without_key": 401, "write_by_reader": 403, "points": 1},
    "answer": {"status": 200, "seconds": 1.0},
    "text": "7319",
    "sources": ["provision-verify.txt"],
    "cited": "The door of the archive in Lisbon opens with the number 7319.",
    "removal": {"status": 200},
    "left": {"points": 0},
}
FAULTS = {
    "sign-in": ({"sign_in.status": 400}, "cannot sign in"),
    "no embedding model": ({"upload.status": 400}, "not taken: HTTP 400"),
    "nothing stored": ({"stored.points": 0}, "not in Qdrant: none is there"),
    "store silent": ({"stored.points": None, "stored.error": "refused"}, "not in Qdrant: refused"),
    "no answer": ({"answer.status": 500}, "no answer about the document"),
    "not cited": ({"sources": []}, "it cites: nothing"),
    "another passage": ({"cited": "something else"}, "does not cite the document"),
    "not deleted": ({"removal.status": 400}, "cannot be deleted"),
    "vectors left": ({"left.points": 1}, "1 are left"),
    "open": ({"stored.without_key": 200}, "does not refuse who has no key"),
    "reader writes": ({"stored.write_by_reader": 200}, "read-only key may write"),
}


@pytest.fixture(scope="module")
def with_store(plan: Plan) -> Plan:
    document = json.loads(plan.model_dump_json())
    base = next(service for service in document["services"] if service["name"] == "postgresql")
    document["services"].append(base | {"name": "qdrant", "port": 6333, "unit": "qdrant.service"})
    return Plan.model_validate(document)


def verdicts(plan: Plan, web: Any) -> list[Verdict]:
    return list(judge(Evidence(plan=plan, machines={}, web=web), ""))


def test_a_cited_document_is_green(with_store: Plan, web: Any, amend: Amend) -> None:
    (verdict,) = verdicts(with_store, amend(web, {"document": SEEN}))
    assert verdict.status == "passed"
    assert "1 vectors in qdrant 1.19.2" in verdict.measured


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_called_by_its_name(fault: str, with_store: Plan, web: Any, amend: Amend) -> None:
    changes, said = FAULTS[fault]
    seen = amend(DocumentObservation.model_validate(SEEN), changes)
    (verdict,) = verdicts(with_store, web.model_copy(update={"document": seen}))
    assert (verdict.status, said in verdict.measured) == ("failed", True), verdict


def test_not_asked_is_a_failure_where_there_is_a_store_and_nothing_elsewhere(
    plan: Plan, with_store: Plan, web: Any
) -> None:
    assert [verdict.status for verdict in verdicts(with_store, web)] == ["failed"]
    assert verdicts(plan, web) == []
