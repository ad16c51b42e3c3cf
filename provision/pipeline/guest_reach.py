"""From a guest that was started to one that Ansible can work on: host key, ssh, Python."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from provision.errors import ErrorGroup, RunError, UnreachableError
from provision.models.guests import Guest
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


def learn_host_keys(node: Node, wanted: Sequence[Guest], made: set[int]) -> None:
    """The node tells a new guest's public host key: a container's from inside, a VM's as it answers on the bridge."""
    addresses = {machine.name: machine.address for machine in node.plan.machines}
    known = known_addresses(node.workspace)
    unknown = [guest for guest in wanted if guest.id in made or str(addresses[guest.name]) not in known]
    keys = for_all(unknown, lambda guest: _read_host_key(node, guest, str(addresses[guest.name])))
    told = {addresses[guest.name]: key for guest, key in zip(unknown, keys, strict=True)}
    note_host_keys(node.workspace, told, [address for address in addresses.values() if address not in told])


def _read_host_key(node: Node, guest: Guest, address: str) -> str:
    if guest.kind == "lxc":
        return run_on_node(node.access.login, (ROOT_COMMAND, "hostkeys", node.plan.client, str(guest.id)))
    # Nobody but the node and its guests is on that bridge (docs/adr/0009); cloud-init makes the key at the first start.
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline:
        if key := find_host_key(node, address):
            return key
        time.sleep(RETRY_S)
    raise UnreachableError(
        f"'{guest.name}' told no ssh key within {READY_LIMIT_S:.0f} s",
        where=f"guest {guest.id}, {address}",
        hint="look at its console in Proxmox: did cloud-init run, and does it have the planned address?",
    )


def find_host_key(node: Node, address: str) -> str | None:
    """'ssh-ed25519 AAAA…' as the node sees it on its bridge; None while nothing answers."""
    try:
        said = run_on_node(node.access.login, ("ssh-keyscan", "-T", "5", "-t", "ed25519", address))
    except RunError:
        return None  # it ends with 1 where no key came, which is so as long as a VM boots
    keys = (line.partition(" ")[2] for line in said.splitlines() if line.startswith(f"{address} ssh-ed25519 "))
    return next(keys, None)


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
    """What Ansible needs before its first task: a VM's cloud-init at its end, and Python, which a template need not
    bring. Raises RunError with apt's words."""
    script = "command -v cloud-init >/dev/null && cloud-init status --wait >/dev/null; "
    script += "command -v python3 >/dev/null || { apt-get -q update && apt-get -qy install python3-minimal; }"
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
