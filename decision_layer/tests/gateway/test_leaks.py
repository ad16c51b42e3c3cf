"""No byte of what must stay reaches the cloud: generated cases, judged at the mock cloud's socket.

Every body carries a marker; a case is a leak when the marker of a text that may not leave is seen there. The full
number is run by `bench/bench_leaks.py`; here a seeded part of it.
"""

from __future__ import annotations

from tests.gateway.leak_cases import leaks_of, make_cases, run_cases
from tests.gateway.running import Lab


def test_generated_cases_leak_nothing(lab: Lab) -> None:
    cases = make_cases(seed=7, count=600)
    done = run_cases(lab, cases)
    assert leaks_of(lab, cases) == []
    # The judge would see it: what may leave does arrive.
    public = [case for case in cases if case.may_leave and done[case.marker] == 200]
    cloud = "".join(item["raw"] for item in lab.seen("cloud"))
    assert public
    assert any(case.marker in cloud for case in public)
