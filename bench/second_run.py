"""An unchanged second run against the same playbooks under stock Ansible settings.

    python -m bench.second_run

Both in one go on the standing lab stack, twice each in turn; the smaller of each pair counts. The bar is 0.25 for the
playbooks; the whole `up` (plan, lab, playbooks, verification) is shown beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from provision.models.events import Event
from provision.pipeline.converge import converge
from provision.pipeline.options import Options, open_chosen_workspace
from provision.pipeline.planning import require_plan

PROFILE = "sme-2x4090"
BAR = 0.25
ROUNDS = 2


def bring_up() -> tuple[float, float, int]:
    """Seconds of the whole `up`, of its playbooks, and how many tasks changed something."""
    argv = [sys.executable, "-m", "provision.cli.main", "up", "--profile", PROFILE, "--lab", "--yes", "--json"]
    started = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    whole = time.monotonic() - started
    result = json.loads(done.stdout)
    stages = {stage["stage"]: stage["seconds"] for stage in result["stages"]}
    return whole, stages["run"], result["changed"]


def run_stock() -> tuple[float, int]:
    """Seconds of the playbooks under stock settings, and how many tasks changed something."""
    workspace = open_chosen_workspace(Options(lab=True), PROFILE)

    def ignore(event: Event) -> None:
        del event

    outcome = converge(workspace, require_plan(workspace), ignore, stock=True)
    return outcome.seconds, outcome.changed


def main() -> int:
    bring_up()
    ours, stock, whole = [], [], []
    for _ in range(ROUNDS):
        seconds, run, changed = bring_up()
        whole.append(seconds)
        ours.append(run)
        plain, plain_changed = run_stock()
        stock.append(plain)
        if changed or plain_changed:
            print(f"not idempotent: {changed} changed with our settings, {plain_changed} with stock settings")
            return 1
    ratio = min(ours) / min(stock)
    print(
        f"playbooks, unchanged, 4 guests: ours {min(ours):.1f} s, stock Ansible {min(stock):.1f} s, ratio {ratio:.2f}"
    )
    print(f"whole `up` with verification:   {min(whole):.1f} s, {min(whole) / min(stock):.2f} of stock Ansible alone")
    print(f"bar: ratio at most {BAR}: {'met' if ratio <= BAR else 'MISSED'}")
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
