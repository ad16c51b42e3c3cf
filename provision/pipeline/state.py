"""The state digest: one value that is equal where two stacks were brought to the same state."""

from __future__ import annotations

import hashlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

from provision.errors import UnreachableError
from provision.models.base import Frozen
from provision.models.plan import Plan
from provision.pipeline.connect import ssh_to
from provision.pipeline.options import Options, find_client, open_chosen_workspace
from provision.pipeline.planning import require_plan
from provision.places import find_content

_TIMEOUT_S = 60

Machines = dict[str, dict[str, tuple[str, ...]]]
"""Sorted lines by machine and section."""


class StateDigest(Frozen):
    """sha256 over all machines, and the sections of each machine (sorted lines) that went into it."""

    digest: str
    machines: Machines


def read_state(options: Options) -> StateDigest:
    """Read every machine of the standing stack over ssh. Raises UnreachableError."""
    found = read_machines(require_plan(open_chosen_workspace(options, find_client(options))))
    return StateDigest(digest=digest_of(found), machines=found)


def read_machines(plan: Plan, *, live: bool = False) -> Machines:
    """The sections of every machine, all asked at once; `live` adds what changes with a restart or a reboot.

    Raises UnreachableError.
    """
    names = sorted(machine.name for machine in plan.machines)
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: _read_machine(plan, name, live=live), names), strict=True))


def digest_of(machines: Machines) -> str:
    """sha256 (hex) over the sections' canonical JSON."""
    return hashlib.sha256(json.dumps(machines, sort_keys=True).encode()).hexdigest()


def _read_machine(plan: Plan, machine: str, *, live: bool) -> dict[str, tuple[str, ...]]:
    script = (find_content("provision") / "verify" / "state_script.py").read_text()
    argv = ssh_to(plan, machine, ("python3", "-", *(("--live",) if live else ())))
    done = subprocess.run(argv, input=script, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    if done.returncode != 0:
        raise UnreachableError(
            f"the state of {machine} cannot be read: {done.stderr.strip()[-300:]}",
            where=machine,
            hint="provision status shows which machines answer",
        )
    return {section: tuple(lines) for section, lines in json.loads(done.stdout).items()}
