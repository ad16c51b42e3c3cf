"""How long planning takes: 1,000 different clients in one process, and the verbs of the catalogue from a cold start.

    python -m bench.bench_planning

Exit 1 when 1,000 plans take more than 5 s, or a verb more than 1 s.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError
from provision.planner import build_plan
from provision.profile import load_profile

CLIENTS = 1000
MOST_S = 5.0
VERBS = {
    "models --profile": ["models", "--profile", "sme-2x4090"],
    "fit": ["fit", "--model", "llama3.3-70b", "--quant", "q4_k_m", "--gpu", "rtx-4090", "--count", "2", "--kv", "q8_0"],
    "plan": ["plan", "--profile", "sme-2x4090"],
}
VERB_MOST_S = 1.0


def plan_clients(count: int) -> tuple[float, int]:
    """Seconds for `count` different plans, and how many of the profiles were possible."""
    catalog = load_catalog()
    chance = random.Random(3)  # noqa: S311 - the same clients each time, no secret
    profiles = []
    for _ in range(count):
        settings = (
            f"workload.models.0.context={chance.randrange(1024, 12288, 256)}",
            f"workload.models.0.parallel={chance.randint(1, 6)}",
            f"workload.models.0.kv={chance.choice(['f16', 'q8_0', 'q4_0'])}",
        )
        profiles.append(load_profile("sme-2x4090", overrides=settings).profile)
    planned = 0
    started = time.monotonic()
    for number, profile in enumerate(profiles):
        try:
            build_plan(profile, catalog, client=f"client-{number}", target="live", lab=None)
            planned += 1
        except (PlanError, ErrorGroup):
            continue
    return time.monotonic() - started, planned


def time_verb(arguments: list[str]) -> float:
    """Seconds of the fastest of three runs, each in a process of its own."""
    taken = []
    for _ in range(3):
        started = time.monotonic()
        argv = [sys.executable, "-m", "provision.cli.main", *arguments]
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        taken.append(time.monotonic() - started)
    return min(taken)


def main() -> int:
    seconds, planned = plan_clients(CLIENTS)
    print(f"{CLIENTS} clients planned in {seconds:.2f} s (at most {MOST_S:.0f} s wanted); {planned} of them possible")
    late = seconds > MOST_S
    for name, arguments in VERBS.items():
        taken = time_verb(arguments)
        late |= taken > VERB_MOST_S
        print(f"provision {name}: {taken:.2f} s from a cold start (at most {VERB_MOST_S:.0f} s wanted)")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
