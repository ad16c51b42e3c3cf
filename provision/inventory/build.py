"""The plan as groups and variables of Ansible. Pure; every value a role gets is decided here or in the plan."""

from __future__ import annotations

from typing import Any, get_args

from provision.inventory.base_vars import base_vars, common_vars
from provision.inventory.connect_vars import connect_vars
from provision.inventory.probe_vars import probe_vars
from provision.inventory.scratch_vars import scratch_vars
from provision.inventory.service_vars import service_vars
from provision.models.inventory import Connection, Inventory, InventoryInput
from provision.models.monitoring import GPU_EXPORTER, NODE_EXPORTER
from provision.models.plan import Plan, PlannedMachine
from provision.models.profile import Engine

GUEST_DRIVER_ROLE = "nvidia_guest"
_STAGES = {
    "postgresql": "data",
    "qdrant": "data",
    "langfuse": "trace",
    "caddy": "gateway",
    "decision_layer": "gateway",
    **dict.fromkeys(("prometheus", "alertmanager", "grafana"), "observe"),
    **dict.fromkeys(get_args(Engine), "engine"),
}
"""The group of a machine by its services; every other service is an application."""
_OF_NO_STAGE = frozenset({NODE_EXPORTER, GPU_EXPORTER})
"""They go along with whatever else the machine is for."""


def build_inventory(plan: Plan, given: InventoryInput) -> Inventory:
    """Groups by stage, variables by machine. Without a connection, a machine is reached at its planned address."""
    connections = {connection.machine: connection for connection in given.connections}
    return Inventory(
        title=f"client {plan.client}, profile {plan.profile}, target {plan.target}",
        groups=_group(plan),
        all_vars=common_vars(plan, given),
        host_vars={
            machine.name: {
                **_connect(machine, connections.get(machine.name)),
                "provision_roles": list(machine.roles),
                **base_vars(plan, machine),
                **probe_vars(plan, machine, given),
                **_driver_vars(machine, given),
                **scratch_vars(plan, machine, given),
                **service_vars(plan, machine, given),
            }
            for machine in plan.machines
        },
    )


def _driver_vars(machine: PlannedMachine, given: InventoryInput) -> dict[str, Any]:
    """The libraries of the node's driver, where a guest gets cards."""
    if GUEST_DRIVER_ROLE not in machine.roles or given.driver is None:
        return {}
    return {
        "nvidia_guest_version": given.driver.version,
        "nvidia_guest_shown_as": given.driver.shown_as,
        "nvidia_guest_installer": given.driver.installer.model_dump(),
        "nvidia_guest_loaded_file": given.driver.guest_file,
    }


def _group(plan: Plan) -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for machine in plan.machines:
        own = [service for service in machine.services if service not in _OF_NO_STAGE] or machine.services
        for stage in dict.fromkeys(_STAGES.get(service, "apps") for service in own):
            groups[stage] = (*groups.get(stage, ()), machine.name)
    return dict(sorted(groups.items()))


def _connect(machine: PlannedMachine, connection: Connection | None) -> dict[str, Any]:
    """Without a connection, as root at the planned address."""
    if connection is None:
        return connect_vars(str(machine.address), 22, "root", "", "")
    return connect_vars(
        str(connection.address), connection.port, connection.user, connection.private_key, connection.known_hosts
    )
