"""The unchanged second run, ours against stock Ansible, on the same playbooks, machines and hour.

    python -m bench.bench_ansible --profile sme-2x4090 --rounds 3
    python -m bench.bench_ansible --inventory hosts.yml --rounds 3

The stack must stand already (`make demo`). Rounds alternate between the two, so that a busy machine slows both.
Exit 1 when a run changed something or when the ratio of the medians is above `--most`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.errors import ErrorGroup, ProvisionError, SetupError
from provision.models.base import Frozen
from provision.models.events import RunOutcome
from provision.models.plan import Plan
from provision.pipeline.converge import converge
from provision.pipeline.options import Options, find_client, open_chosen_workspace
from provision.runner.execute import Playbook, run_playbook
from provision.runner.workspace import Workspace

Run = Callable[[bool], RunOutcome]


class Measured(Frozen):
    """Seconds of each round; `ratio` is our median over the stock one, `load` the machine's 1-minute load average."""

    ours: tuple[float, ...]
    stock: tuple[float, ...]
    ratio: float
    load: float


def measure(run: Run, rounds: int) -> Measured:
    """One unmeasured run of each kind, then `rounds` of both. Raises SetupError when a run is not unchanged."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for number in range(rounds + 1):
        for stock in (False, True):
            started = time.monotonic()
            outcome = run(stock)
            elapsed = time.monotonic() - started
            _require_unchanged(outcome)
            if number:
                seconds[stock].append(elapsed)
    ratio = statistics.median(seconds[False]) / statistics.median(seconds[True])
    return Measured(ours=tuple(seconds[False]), stock=tuple(seconds[True]), ratio=ratio, load=os.getloadavg()[0])


def _require_unchanged(outcome: RunOutcome) -> None:
    if outcome.status != "successful" or outcome.changed:
        raise SetupError(
            f"the run was {outcome.status} and changed {outcome.changed} tasks, so it is no unchanged run",
            where=outcome.log,
            hint="bring the stack up first (make demo), then measure",
        )


def stack_run(options: Options) -> Run:
    """Runs of site.yml on a stack that `provision up` made."""
    workspace = open_chosen_workspace(options, find_client(options))
    if not workspace.plan_file.is_file():
        raise SetupError("there is no stack to measure", where=str(workspace.plan_file), hint="run make demo first")
    plan = Plan.model_validate_json(workspace.plan_file.read_bytes())
    return lambda stock: converge(workspace, plan, lambda _event: None, stock=stock)


@contextmanager
def inventory_run(inventory: Path, playbook: str) -> Iterator[Run]:
    """Runs of a playbook on an inventory of one's own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        workspace = Workspace(client_folder=Path(folder), target="bench")
        workspace.folder.mkdir()
        workspace.inventory.symlink_to(inventory.resolve())
        chosen = {stock: Playbook(name=playbook, stock=stock) for stock in (False, True)}
        yield lambda stock: run_playbook(workspace, chosen[stock], lambda _event: None)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bench_ansible")
    parser.add_argument("--profile", default="sme-2x4090")
    parser.add_argument("--client")
    parser.add_argument("--inventory", type=Path, help="an inventory of one's own instead of a stack of provision")
    parser.add_argument("--playbook", default="site")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=float, default=0.25, help="the ratio that must not be exceeded")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    try:
        if asked.inventory:
            with inventory_run(asked.inventory, asked.playbook) as run:
                measured = measure(run, asked.rounds)
        else:
            options = Options(profile=asked.profile, client=asked.client, lab=True)
            measured = measure(stack_run(options), asked.rounds)
    except (ProvisionError, ErrorGroup) as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print(json.dumps(measured.model_dump(), indent=1) if asked.json else describe(measured, asked.most))
    return int(measured.ratio > asked.most)


def describe(measured: Measured, most: float) -> str:
    """Three lines a person can read."""

    def one(name: str, values: tuple[float, ...]) -> str:
        each = ", ".join(f"{value:.1f}" for value in values)
        return f"{name:6} median {statistics.median(values):5.1f} s  ({each})"

    return "\n".join(
        [
            one("ours", measured.ours),
            one("stock", measured.stock),
            f"ratio  {measured.ratio:.2f} (at most {most:.2f} wanted; load of the machine {measured.load:.1f})",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
