"""The unchanged second run, ours against stock Ansible, on the same playbooks, machines and hour.

Of a stack three are measured: `second up` (its run stage: the comparison that finds nothing to do), `playbooks` (all of
them with our settings, `up --full`) and `stock` (all of them under stock settings).

    python -m bench.bench_ansible --profile sme-2x4090 --rounds 3
    python -m bench.bench_ansible --inventory hosts.yml --rounds 3

The stack must stand already (`make demo`). The kinds alternate, so that a busy machine slows both.
Exit 1 when a run changed something or when no ratio of the medians is at most `--most`.
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
from provision.models.events import Event, RunOutcome
from provision.models.plan import Plan
from provision.pipeline.converge import converge
from provision.pipeline.options import Options, find_client, open_chosen_workspace
from provision.pipeline.unchanged import find_unchanged
from provision.runner.execute import Playbook, run_playbook
from provision.runner.workspace import Workspace

Run = Callable[[], None]
"""One run; raises SetupError when it was not an unchanged one."""


class Measured(Frozen):
    """Seconds of each round by kind of run, `stock` last; `ratios` are the others' medians over the stock one.

    `load` is the machine's 1-minute load average.
    """

    seconds: dict[str, tuple[float, ...]]
    ratios: dict[str, float]
    load: float


def measure(runs: dict[str, Run], rounds: int) -> Measured:
    """One unmeasured run of each kind, then `rounds` of all in turn."""
    seconds: dict[str, list[float]] = {kind: [] for kind in runs}
    for number in range(rounds + 1):
        for kind, run in runs.items():
            started = time.monotonic()
            run()
            if number:
                seconds[kind].append(time.monotonic() - started)
    medians = {kind: statistics.median(values) for kind, values in seconds.items()}
    return Measured(
        seconds={kind: tuple(values) for kind, values in seconds.items()},
        ratios={kind: median / medians["stock"] for kind, median in medians.items() if kind != "stock"},
        load=os.getloadavg()[0],
    )


def _require_unchanged(outcome: RunOutcome) -> None:
    if outcome.status != "successful" or outcome.changed:
        raise SetupError(
            f"the run was {outcome.status} and changed {outcome.changed} tasks, so it is no unchanged run",
            where=outcome.log,
            hint="bring the stack up first (make demo), then measure",
        )


def stack_runs(options: Options) -> dict[str, Run]:
    """Runs on a stack that `provision up` made."""
    workspace = open_chosen_workspace(options, find_client(options))
    if not workspace.plan_file.is_file():
        raise SetupError("there is no stack to measure", where=str(workspace.plan_file), hint="run make demo first")
    plan = Plan.model_validate_json(workspace.plan_file.read_bytes())

    def compare() -> None:
        if find_unchanged(workspace, plan) is None:
            raise SetupError("the stack has changed", where=str(workspace.folder), hint="run make demo, then measure")

    return {
        "second up": compare,
        "playbooks": lambda: _require_unchanged(converge(workspace, plan, _ignore)),
        "stock": lambda: _require_unchanged(converge(workspace, plan, _ignore, stock=True)),
    }


@contextmanager
def inventory_runs(inventory: Path, playbook: str) -> Iterator[dict[str, Run]]:
    """Runs of a playbook on an inventory of one's own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        workspace = Workspace(client_folder=Path(folder), target="bench")
        workspace.folder.mkdir()
        workspace.inventory.symlink_to(inventory.resolve())
        ours, stock = (Playbook(name=playbook, stock=stock) for stock in (False, True))
        yield {
            "playbooks": lambda: _require_unchanged(run_playbook(workspace, ours, _ignore)),
            "stock": lambda: _require_unchanged(run_playbook(workspace, stock, _ignore)),
        }


def _ignore(_event: Event) -> None:
    """Nobody watches a measured run."""


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
            with inventory_runs(asked.inventory, asked.playbook) as runs:
                measured = measure(runs, asked.rounds)
        else:
            options = Options(profile=asked.profile, client=asked.client, lab=True)
            measured = measure(stack_runs(options), asked.rounds)
    except (ProvisionError, ErrorGroup) as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print(json.dumps(measured.model_dump(), indent=1) if asked.json else describe(measured, asked.most))
    return int(min(measured.ratios.values()) > asked.most)


def describe(measured: Measured, most: float) -> str:
    """A line per kind of run, and what the bar is."""
    lines = []
    for kind, values in measured.seconds.items():
        each = ", ".join(f"{value:.1f}" for value in values)
        ratio = f"  ratio {measured.ratios[kind]:.2f}" if kind in measured.ratios else ""
        lines.append(f"{kind:10} median {statistics.median(values):5.1f} s  ({each}){ratio}")
    lines.append(f"a ratio of at most {most:.2f} is wanted; load of the machine {measured.load:.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
