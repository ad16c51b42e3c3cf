"""The machines of a plan, ready to be reached: made on a Proxmox node and in the lab, checked elsewhere."""

from __future__ import annotations

from ipaddress import IPv4Address

from provision.errors import ErrorGroup
from provision.lab import lab as labs
from provision.lab.requirements import missing_requirements
from provision.lab.simulation import ensure_simulation
from provision.models.inventory import Connection
from provision.models.lab import LabState
from provision.models.plan import Plan
from provision.pipeline.guest_login import guest_connections
from provision.pipeline.options import locate_target
from provision.pipeline.stages import StageClock
from provision.platforms import explain_missing_guests, lab_spec, live_connections
from provision.platforms.ssh import check_reachable, find_controller


def require_platform(plan: Plan) -> None:
    """Raises ErrorGroup with all that this machine lacks, before anything is changed."""
    missing = missing_requirements() if plan.target == "lab" else []
    if missing:
        raise ErrorGroup(missing)


def ensure_machines(plan: Plan, clock: StageClock) -> tuple[Connection, ...]:
    """Machines of a plain host or its lab that answer over ssh. Raises ErrorGroup of UnreachableError."""
    if plan.target == "lab":
        return _connections_of(ensure_lab_guests(plan, clock))
    connections = live_connections(plan)
    unreachable = check_reachable(connections, timeout=10.0)
    if unreachable:
        missing = explain_missing_guests(plan)
        raise ErrorGroup([*([missing] if missing else []), *unreachable])
    return connections


def find_controllers(plan: Plan, connections: tuple[Connection, ...]) -> tuple[IPv4Address, ...]:
    """The addresses from which the machines see this one: the firewall must keep them open for ssh."""
    return () if plan.target == "lab" else find_controller(connections, timeout=10.0)


def ensure_lab_guests(plan: Plan, clock: StageClock) -> LabState:
    """The plan's machines as real LXC guests, with simulated cards where it places cards."""
    spec = lab_spec(plan)
    state = labs.ensure_lab(spec, clock.note)
    ensure_simulation(spec)
    return state


def _connections_of(state: LabState) -> tuple[Connection, ...]:
    return tuple(
        Connection(
            machine=host.name,
            address=host.address,
            port=host.port,
            user=host.user,
            private_key=host.private_key,
            known_hosts=host.known_hosts,
        )
        for host in state.hosts
    )


def current_connections(plan: Plan) -> tuple[Connection, ...]:
    """How to reach the machines as they stand now, without changing anything. Raises SetupError if there is no lab."""
    if plan.proxmox:
        return guest_connections(locate_target(plan.client, plan.target), plan)
    if plan.target != "lab":
        return live_connections(plan)
    return _connections_of(labs.read_lab(plan.client))
