"""The state digest: one value that is equal where two stacks were brought to the same state."""

from __future__ import annotations

import hashlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

from provision.errors import UnreachableError
from provision.models.base import Frozen
from provision.pipeline.connect import ssh_command
from provision.pipeline.options import Options, find_client, open_chosen_workspace
from provision.pipeline.planning import require_plan
from provision.places import find_content

_TIMEOUT_S = 60


class StateDigest(Frozen):
    """sha256 over all machines, and the sections of each machine (sorted lines) that went into it."""

    digest: str
    machines: dict[str, dict[str, tuple[str, ...]]]


def read_state(options: Options) -> StateDigest:
    """Read every machine of the standing stack over ssh. Raises UnreachableError."""
    plan = require_plan(open_chosen_workspace(options, find_client(options)))
    names = sorted(machine.name for machine in plan.machines)
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        found = dict(zip(names, pool.map(lambda name: _read_machine(options, name), names), strict=True))
    text = json.dumps(found, sort_keys=True)
    return StateDigest(digest=hashlib.sha256(text.encode()).hexdigest(), machines=found)


def _read_machine(options: Options, machine: str) -> dict[str, tuple[str, ...]]:
    script = (find_content("provision") / "verify" / "state_script.py").read_text()
    argv = ssh_command(options, machine, ("python3", "-"))
    done = subprocess.run(argv, input=script, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    if done.returncode != 0:
        raise UnreachableError(
            f"the state of {machine} cannot be read: {done.stderr.strip()[-300:]}",
            where=machine,
            hint="provision status shows which machines answer",
        )
    return {section: tuple(lines) for section, lines in json.loads(done.stdout).items()}
