"""From a guest that was started to one that Ansible can work on: host key, ssh, Python."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from provision.errors import ErrorGroup, RunError
from provision.models.guests import Container
from provision.models.inventory import Connection
from provision.pipeline.at_once import for_all
from provision.pipeline.connect import ssh_argv
from provision.pipeline.guest_login import guest_connections, known_addresses, note_host_keys
from provision.pipeline.node_shell import run_on_node
from provision.pipeline.proxmox_node import ROOT_COMMAND, Node
from provision.pipeline.stages import StageClock
from provision.platforms.ssh import check_reachable

READY_LIMIT_S = 120.0
PYTHON_LIMIT_S = 600.0
RETRY_S = 0.2


def learn_host_keys(node: Node, wanted: Sequence[Container], made: set[int]) -> None:
    """The node reads a new guest's public host key from inside; so nobody can stand between."""
    addresses = {machine.name: machine.address for machine in node.plan.machines}
    known = known_addresses(node.workspace)
    unknown = [c for c in wanted if c.id in made or str(addresses[c.name]) not in known]
    words = (ROOT_COMMAND, "hostkeys", node.plan.client)
    keys = for_all(unknown, lambda container: run_on_node(node.access.login, (*words, str(container.id))))
    told = {addresses[container.name]: key for container, key in zip(unknown, keys, strict=True)}
    note_host_keys(node.workspace, told, [address for address in addresses.values() if address not in told])


def await_guests(node: Node, clock: StageClock) -> None:
    """Until every guest answers by ssh. Raises ErrorGroup of UnreachableError after READY_LIMIT_S seconds."""
    deadline = time.monotonic() + READY_LIMIT_S
    connections = guest_connections(node.workspace, node.plan)
    while unreachable := check_reachable(connections, timeout=10.0):
        if time.monotonic() > deadline:
            raise ErrorGroup(unreachable)
        time.sleep(RETRY_S)
    clock.note(f"{len(connections)} guests answer")


def ensure_python(node: Node, made: set[str]) -> None:
    """What Ansible needs before its first task; a template need not bring it. Raises RunError with apt's words."""
    script = "command -v python3 >/dev/null || { apt-get -q update && apt-get -qy install python3-minimal; }"
    fresh = [connection for connection in guest_connections(node.workspace, node.plan) if connection.machine in made]
    done = for_all(fresh, lambda connection: _run_in(connection, script))
    for connection, answer in zip(fresh, done, strict=True):
        if answer.returncode != 0:
            raise RunError(
                f"Python cannot be installed in '{connection.machine}': {' '.join(answer.stderr.split())[-300:]}",
                where=f"{connection.user}@{connection.address}",
                hint="does the node route its guests to the package servers (NAT on the bridge, DNS)? then run again",
            )


def _run_in(connection: Connection, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ssh_argv(connection), script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PYTHON_LIMIT_S,
    )
