"""kill -9 of the whole gateway under load: every answer a client got, and every body an engine got, has its record.

Run: .venv/bin/python -m bench.bench_kill [--kills 200] [--seed 1]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.gateway.gateway_kills import kill_gateways


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        begin = time.monotonic()
        done = kill_gateways(Path(place), options.kills, options.seed)
        seconds = time.monotonic() - begin
    print(f"{done.kills} kills in {seconds:.0f} s, with 16 clients at once")
    print(f"answers that clients got: {done.answers}, without a record: {done.answers_unrecorded}")
    print(f"bodies at the engine's socket: {done.bodies}, without a record: {done.bodies_unrecorded}")
    print(f"troubles of the chain: {len(done.troubles)}")
    for trouble in done.troubles[:10]:
        print(f"  {trouble}")
    broken = done.answers_unrecorded or done.bodies_unrecorded or done.troubles
    if not done.answers or not done.bodies:
        print("not shown: nothing got through")
        broken = True
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
