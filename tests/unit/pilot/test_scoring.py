"""Exact scores, a judge's mark, thresholds, the verdict and the comparison: pure, case by case."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.models.pilot import Accept, Question, Target, TestSet
from provision.models.pilot_result import Answer, CaseSummary, Score
from provision.pilot.compare import BASELINE, CANDIDATE, compare
from provision.pilot.exact import normalise, score_exact
from provision.pilot.judge import read_mark
from provision.pilot.sending import left_home, refuse_sending
from provision.pilot.streaming import Streamed
from provision.pilot.summary import judge_rules, summarise
from provision.pilot.verdict import decide
from tests.unit.pilot.files import use_cases

TESTS = TestSet.model_validate_json(json.dumps(use_cases()))
CASES = tuple(case.name for case in TESTS.cases)


def answer(target: str = "a", case: str = "capital", **changes: Any) -> Answer:
    blank = {"target": target, "case": case, "question": 0, "repeat": 0, "data_class": "public", "fate": "answered"}
    return Answer.model_validate(blank | changes)


def target(name: str, zone: str = "home", **changes: Any) -> Target:
    return Target.model_validate({"name": name, "zone": zone, "base_url": "https://x/v1", "model": "m"} | changes)


@pytest.mark.parametrize(
    ("text", "match", "value"),
    [
        ("Paris", "whole", 1.0),
        ("  PARIS\n", "whole", 1.0),
        ("It is Paris.", "whole", 0.0),
        ("It is Paris.", "contains", 1.0),
        ("Parisian", "contains", 0.0),
        ("", "contains", 0.0),
        ("\uff30aris", "whole", 1.0),
    ],
)
def test_exact(text: str, match: str, value: float) -> None:
    assert score_exact(answer(text=text), Question(ask="?", expected=("Rome", "paris")), match).value == value


def test_a_number_is_not_in_a_longer_one() -> None:
    question = Question(ask="?", expected=("12",))
    assert score_exact(answer(text="in 2012"), question, "contains").value == 0.0
    assert score_exact(answer(text="in 2012, 12 of them"), question, "contains").value == 1.0


@given(st.text(max_size=60))
def test_normalising_twice_changes_no_word(text: str) -> None:
    assert normalise(normalise(text)).split() == normalise(normalise(normalise(text))).split()


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ('{"score": 7, "reason": "x"}', 0.7),
        ('```json\n{"score": 10}\n```', 1.0),
        ('I think {this} is {"score": 0}', 0.0),
        ('{"score": 11}', None),
        ('{"score": true}', None),
        ('{"score": "7"}', None),
        ("seven", None),
        ("{" * 50, None),
    ],
)
def test_a_judges_mark(text: str, mark: float | None) -> None:
    found = read_mark(text)
    assert (None if found is None else found[0]) == mark


@given(st.text(max_size=200))
def test_no_text_of_a_judge_is_a_fault(text: str) -> None:
    found = read_mark(text)
    assert found is None or 0 <= found[0] <= 1


@given(st.lists(st.text(max_size=80), max_size=20))
def test_no_stream_is_a_fault(lines: list[str]) -> None:
    streamed = Streamed()
    for line in lines:
        streamed.feed(f"data: {line}")
    assert streamed.first is None or streamed.text


def test_a_stream_as_vllm_and_llama_cpp_end_it() -> None:
    streamed = Streamed()
    for line in (
        'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}',
        'data: {"choices": [{"delta": {"content": "a"}}]}',
        ": a comment",
        'data: {"choices": [{"delta": {"content": "b"}, "finish_reason": "length"}]}',
        'data: {"choices": null, "usage": {"prompt_tokens": 3, "completion_tokens": 2}}',
        "data: [DONE]",
    ):
        streamed.feed(line)
    assert (streamed.text, streamed.cut, streamed.finished, streamed.error) == ("ab", True, True, "")
    assert (streamed.input_tokens, streamed.output_tokens) == (3, 2)


@pytest.mark.parametrize(
    ("zone", "gateway", "data_class", "sent"),
    [
        ("home", False, "confidential", True),
        ("cloud", False, "public", True),
        ("cloud", False, "confidential", False),
        ("cloud", False, "never-heard-of", False),
        ("cloud", True, "confidential", True),
    ],
)
def test_what_may_be_sent(zone: str, gateway: bool, data_class: str, sent: bool) -> None:
    assert (not refuse_sending(TESTS, target("t", zone, gateway=gateway), data_class)) is sent


@pytest.mark.parametrize(
    ("data_class", "zone", "alarm"),
    [
        ("public", "us-cloud", False),
        ("confidential", "us-cloud", True),
        ("confidential", "home", False),
        ("art9", "", True),
    ],
)
def test_where_an_answer_may_come_from(data_class: str, zone: str, alarm: bool) -> None:
    assert bool(left_home(TESTS, target("t", "cloud", gateway=True), data_class, zone)) is alarm


def test_thresholds_hold_at_their_edge() -> None:
    accept = Accept(quality=0.5, first_token_s=1.0, total_s=2.0)
    assert [rule.held for rule in judge_rules(accept, 0.5, 1.0, 2.0, open_scores=0)] == [True, True, True]
    assert [rule.held for rule in judge_rules(accept, 0.49, 1.1, 2.1, open_scores=0)] == [False, False, False]
    assert [rule.held for rule in judge_rules(accept, None, None, None, open_scores=1)] == [None, None, None]
    assert judge_rules(accept, 0.9, 1.0, 2.0, open_scores=1)[0].held is None


def test_a_summary_counts_and_takes_medians() -> None:
    answers = [
        answer(repeat=number, first_token_s=first, total_s=9.0, input_tokens=1, output_tokens=2, cost=0.5)
        for number, first in enumerate((1.0, 2.0, 100.0))
    ]
    scores = [Score(answer=one.id, value=value, by="exact") for one, value in zip(answers, (1, 1, 0), strict=True)]
    found = summarise(TESTS, [target("a")], answers, scores)[0]
    assert (found.asked, found.answered, found.scored, found.first_token_s, found.cost) == (3, 3, 3, 2.0, 1.5)
    assert found.quality == pytest.approx(2 / 3)
    assert found.standing == "fails"


def stand(case: str, name: str, standing: str, quality: float | None = 1.0, answered: int = 1) -> CaseSummary:
    return CaseSummary.model_validate(
        {
            "case": case, "target": name, "asked": 1, "answered": answered, "refused": 0, "failed": 0,
            "scored": answered if quality is not None else 0, "quality": quality, "first_token_s": 1.0,
            "total_s": 1.0, "input_tokens": 1, "output_tokens": 1, "cost": None, "currency": None,
            "standing": standing, "rules": (),
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("home", "cloud", "outcome"),
    [
        (("passes", "passes", "passes"), ("passes", "refused", "refused"), "home"),
        (("fails", "passes", "passes"), ("passes", "refused", "refused"), "hybrid"),
        (("fails", "fails", "failed"), ("passes", "passes", "passes"), "cloud"),
        (("passes", "fails", "passes"), ("passes", "refused", "refused"), "gaps"),
        (("passes", "open", "passes"), ("passes", "refused", "refused"), "open"),
    ],
)
def test_the_verdict(home: Sequence[str], cloud: Sequence[str], outcome: str) -> None:
    cases = [stand(case, "h", one) for case, one in zip(CASES, home, strict=True)]
    cases += [stand(case, "c", one) for case, one in zip(CASES, cloud, strict=True)]
    verdict = decide(TESTS, [target("h"), target("c", "cloud")], [], cases)
    assert verdict.outcome == outcome
    assert len(verdict.rules) == len(CASES)


@pytest.mark.parametrize(
    ("candidate", "baseline", "loss", "verified", "outcome"),
    [
        (1.0, 1.0, 0.0, True, "promote"),
        (0.9, 0.8, 0.0, True, "promote"),
        (0.8, 0.9, 0.0, True, "keep"),
        (0.8, 0.9, 0.1, True, "promote"),
        (1.0, 1.0, 0.0, False, "keep"),
        (None, 1.0, 0.0, True, "open"),
    ],
)
def test_the_comparison(candidate: float | None, baseline: float, loss: float, verified: bool, outcome: str) -> None:
    tests = TESTS.model_copy(update={"accept": Accept(quality=0.5, quality_loss=loss)})
    cases = [stand(case, CANDIDATE, "passes" if candidate else "open", candidate) for case in CASES]
    cases += [stand(case, BASELINE, "passes", baseline) for case in CASES]
    assert compare(tests, cases, verified=verified).outcome == outcome


def test_a_candidate_that_answers_nothing_is_kept_out_and_a_mute_baseline_is_no_bar() -> None:
    mute = [stand(case, CANDIDATE, "failed", None, 0) for case in CASES]
    good = [stand(case, BASELINE, "passes") for case in CASES]
    assert compare(TESTS, [*mute, *good], verified=True).outcome == "keep"
    good = [stand(case, CANDIDATE, "passes") for case in CASES]
    mute = [stand(case, BASELINE, "failed", None, 0) for case in CASES]
    assert compare(TESTS, [*mute, *good], verified=True).outcome == "promote"
