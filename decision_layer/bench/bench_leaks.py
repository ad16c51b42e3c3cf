"""The whole leak test: generated cases against a running gateway, judged at the mock cloud's socket.

Run: .venv/bin/python -m bench.bench_leaks [--count 10000] [--seed 1]
"""

from __future__ import annotations

import argparse
import collections
import tempfile
import time
from pathlib import Path

from tests.gateway.leak_cases import make_cases
from tests.gateway.leak_judge import gaps_of, leaks_of, run_cases
from tests.gateway.running import running_lab


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cases = make_cases(options.seed, options.count)
    with tempfile.TemporaryDirectory() as place, running_lab(Path(place)) as lab:
        started = time.monotonic()
        done = run_cases(lab, cases)
        seconds = time.monotonic() - started
        leaks, gaps = leaks_of(lab, cases), gaps_of(lab, cases, done)
        cloud = {side: len(lab.seen(side)) for side in lab.ports}
    statuses = collections.Counter(done.values())
    kept = sum(not case.may_leave for case in cases)
    print(f"{len(cases)} cases in {seconds:.0f} s, of them {kept} that may not leave")
    for fault in sorted({case.fault for case in cases}):
        of_fault = collections.Counter(done[case.marker] for case in cases if case.fault == fault)
        print(
            f"  {fault or 'no fault':18} {sum(of_fault.values()):6} cases, by status {dict(sorted(of_fault.items()))}"
        )
    print(f"kills: {lab.kills}, times that the policy closed amid hops: {len(lab.shut)}")
    print(f"answers by status: {dict(sorted(statuses.items()))}; bodies at the mocks: {cloud}")
    print(f"leaks: {len(leaks)}")
    for told in leaks[:20]:
        print(f"  {told}")
    for told in gaps:
        print(f"not shown: {told}")
    raise SystemExit(1 if leaks or gaps else 0)


if __name__ == "__main__":
    main()
