"""No byte of what must stay reaches the cloud: generated cases, judged at the mock cloud's socket.

Every body carries a marker; a case is a leak when the marker of a text that may not leave is seen there. The full
number is run by `bench/bench_leaks.py`; here a seeded part of it.
"""

from __future__ import annotations

import time

from tests.gateway.leak_cases import make_cases
from tests.gateway.leak_judge import gaps_of, leaks_of, run_cases
from tests.gateway.running import Lab


def test_generated_cases_leak_nothing(lab: Lab) -> None:
    cases = make_cases(seed=7, count=600)
    done = run_cases(lab, cases)
    assert leaks_of(lab, cases) == []
    assert gaps_of(lab, cases, done) == []  # the judge would see it: what may leave does arrive


def test_the_judge_sees_a_silent_gateway_and_a_closed_policy(lab: Lab) -> None:
    cases = make_cases(seed=8, count=600)
    assert gaps_of(lab, cases, {case.marker: 503 for case in cases}) == ["nothing that may leave reached the cloud"]
    open_case = next(case for case in cases if case.may_leave and not case.fault)
    lab.shut.append((time.monotonic() - 1, time.monotonic() + 60))
    try:
        assert run_cases(lab, [open_case]) == {open_case.marker: 200}
        assert leaks_of(lab, [open_case]) == [f"after the policy closed: {open_case.told}"]
    finally:
        lab.shut.pop()
