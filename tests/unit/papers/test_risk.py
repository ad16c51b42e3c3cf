"""The class of the EU AI Act follows from answers alone."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.papers.answers import Answer, load_questions
from provision.papers.risk import classify

DECIDING = [q.id for q in load_questions().values() if q.decides not in ("nothing", "provider", "model")]
NO = dict.fromkeys(DECIDING, False)


def answers(values: dict[str, bool]) -> dict[str, Answer]:
    return {name: Answer(answer=value, by="A. Person", day=date(2026, 11, 30)) for name, value in values.items()}


@pytest.mark.parametrize(
    ("yes", "expected"),
    [
        ((), "none of the regulated classes"),
        (("transparency-chat",), "transparency duties"),
        (("high-employment",), "high-risk system as answered (Art. 6(2))"),
        (("high-employment", "transparency-chat"), "high-risk system as answered (Art. 6(2))"),
        (("high-employment", "exception"), "none of the regulated classes"),
        (("high-employment", "exception", "transparency-chat"), "transparency duties"),
        (("high-product", "exception"), "high-risk system as answered (Art. 6(1))"),
        (("prohibited-scoring", "high-employment"), "prohibited practice"),
    ],
)
def test_every_answer_given(yes: tuple[str, ...], expected: str) -> None:
    found = classify(answers(NO | dict.fromkeys(yes, True)))
    assert found.known
    assert found.result.startswith(expected) or expected in found.result
    assert not found.unanswered


def test_nothing_answered_is_nothing_decided() -> None:
    found = classify({})
    assert not found.known
    assert found.result == f"not decided: {len(found.unanswered)} questions are open"
    assert set(found.unanswered) == set(DECIDING) - {"exception"}, "that one is asked only after a yes of Annex III"


def test_high_risk_is_not_settled_while_a_prohibition_is_open() -> None:
    values = NO | {"high-justice": True}
    del values["prohibited-faces"]
    found = classify(answers(values))
    assert not found.known
    assert "so far: high-risk" in found.result


def test_an_area_of_annex_iii_needs_the_exception_answered() -> None:
    values = NO | {"high-services": True}
    del values["exception"]
    found = classify(answers(values))
    assert not found.known
    assert "exception" in found.unanswered


@given(values=st.dictionaries(st.sampled_from(DECIDING), st.booleans()))
def test_a_prohibited_practice_stands_whatever_else_is_said(values: dict[str, bool]) -> None:
    found = classify(answers(values | {"prohibited-crime": True}))
    assert found.known
    assert found.result.startswith("prohibited")


@given(values=st.dictionaries(st.sampled_from(DECIDING), st.booleans()), name=st.sampled_from(DECIDING))
def test_what_is_settled_is_not_unsettled_by_one_more_answer(values: dict[str, bool], name: str) -> None:
    before = classify(answers(values))
    after = classify(answers({name: False, **values}))
    assert after.known or not before.known
