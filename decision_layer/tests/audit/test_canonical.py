"""Our canonical bytes are those of RFC 8785, and nothing is stored that they cannot give back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from decision_layer.audit import canonical, ids
from decision_layer.audit.errors import AuditRecordError
from decision_layer.audit.record import Candidate, Decision, Outcome
from decision_layer.parts import Finding
from tests.audit.samples import decision, outcome

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS = st.integers(0, 2**53 - 1)
RECORDS = st.builds(
    decision,
    request_id=TEXT,
    caller=TEXT,
    explicit_label=TEXT,
    rule=TEXT,
    findings=st.lists(st.builds(Finding, kind=TEXT, count=NUMBERS), max_size=3).map(tuple),
    candidates=st.lists(st.builds(Candidate, model=TEXT, zone=TEXT, refused=TEXT), max_size=3).map(tuple),
    reasons=st.lists(TEXT, max_size=3).map(tuple),
    input_bytes=NUMBERS,
    snapshot=st.booleans(),
    received_at=st.datetimes(timezones=st.just(UTC)),
)


@given(RECORDS)
def test_bytes_are_those_of_rfc_8785_and_come_back(record: Decision) -> None:
    body = canonical.encode(record)
    assert body == rfc8785.dumps(json.loads(body))
    assert canonical.decode(body) == record
    assert canonical.encode(canonical.decode(body)) == body


def test_an_outcome_is_told_from_a_decision() -> None:
    entry = outcome("r1")
    assert isinstance(canonical.decode(canonical.encode(entry)), Outcome)


@pytest.mark.parametrize(
    "changed",
    [
        {"request_id": "\ud800"},
        {"input_bytes": 2**53},
        {"input_bytes": 1.5},
        {"input_bytes": -1},
        {"record_id": "a|b"},
        {"policy_sha256": "XYZ"},
        {"decided_at": datetime(2026, 1, 1)},
        {"effect": "maybe"},
        {"rule": "x" * 70_000},
    ],
)
def test_what_breaks_its_type_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(AuditRecordError):
        canonical.encode(decision(**changed))


def test_ids_sort_by_time_also_within_a_millisecond() -> None:
    made = [ids.record_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(one[14] == "7" and one[19] in "89ab" for one in made)
