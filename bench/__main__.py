"""`make bench`: every measured claim, in one run. Brings the lab's demo stack up for what needs one.

    python -m bench [PART ...]

Parts: layer (the decision layer beside nginx and Portkey, its recall, leaks, kills, memory; half an hour), memory,
planning, second. All of them where none is named.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import bench_ansible, bench_memory, bench_planning

UP = [sys.executable, "-m", "provision.cli.main", "up", "--profile", "sme-2x4090", "--lab", "--yes", "--json"]
LAYER = Path(__file__).parents[1] / "decision_layer"
LAYER_BENCHES = (
    "bench_gateway",  # first: the one that other work disturbs most
    "bench_detect",
    "bench_recall",
    "bench_leaks",
    "bench_kill",
    "bench_memory",
)


def layer() -> int:
    """Each in the decision layer's own environment; the worst exit status."""
    failed = 0
    for name in LAYER_BENCHES:
        print(f"== decision layer: {name}", flush=True)
        failed |= subprocess.run([LAYER / ".venv/bin/python", "-m", f"bench.{name}"], cwd=LAYER, check=False).returncode
    return failed


def memory() -> int:
    _bring_up()
    print("== memory: the plan against llama-fit-params of the pinned build")
    return bench_memory.main()


def planning() -> int:
    print("== planning")
    return bench_planning.main()


def second() -> int:
    _bring_up()
    print("== a second run against stock Ansible")
    started = time.monotonic()
    _bring_up()
    print(f"second `provision up`, verification included: {time.monotonic() - started:.1f} s")
    print("its run stage, and all playbooks with our settings, against the same playbooks under stock settings:")
    sys.argv = ["bench"]
    return bench_ansible.main()


PARTS: dict[str, Callable[[], int]] = {part.__name__: part for part in (layer, memory, planning, second)}


def _bring_up() -> None:
    subprocess.run(UP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=PARTS, metavar="PART")
    chosen = parser.parse_args().parts or list(PARTS)
    return max(PARTS[part]() for part in chosen)


if __name__ == "__main__":
    sys.exit(main())
