"""Variables of the role that every machine begins with, and those that all machines share."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any
from urllib.parse import urlsplit

from provision.inventory.probe_vars import USERS
from provision.models.inventory import InventoryInput
from provision.models.monitoring import ALERTMANAGER, DECISION_LAYER
from provision.models.plan import Flow, OutsideFlow, Plan, PlannedMachine

ANYWHERE = "0.0.0.0/0"
_LOOPBACK = "127.0.0.1"
LANGFUSE_BRIDGE = "br-langfuse"
"""The bridge of Langfuse's containers, which reach one another and nobody else."""
_SSH_PORT = 22


def common_vars(plan: Plan, given: InventoryInput) -> dict[str, Any]:
    """Variables that are the same on all machines."""
    return {
        "ansible_python_interpreter": "/usr/bin/python3",
        "base_admin_networks": _admin_networks(plan, given),
        "base_ca_bundle_file": given.ca_bundle,
        "base_mirror": _mirror(given.mirror),
        "base_system": plan.system,
        "probe_pynvml_source": given.pynvml,
        # Their recipes are not at hand: what is there by these names must not be made by today's.
        "provision_held_releases": [service.release for service in plan.services if service.held],
    }


def base_vars(plan: Plan, machine: PlannedMachine) -> dict[str, Any]:
    """What one machine lets in and out, which names it knows, and whether it keeps its own time."""
    return {
        "base_inbound": [
            {"port": flow.port, "protocol": flow.protocol, "sources": _sources(plan, flow), "purpose": flow.purpose}
            for flow in plan.flows
            if flow.target == machine.name and flow.port != _SSH_PORT
        ],
        "base_outbound": [
            {
                "destinations": [_only(flow.address or address_of(plan, flow.target))],
                "port": flow.port,
                "protocol": flow.protocol,
                "purpose": flow.purpose,
            }
            for flow in plan.flows
            if flow.source == machine.name
        ]
        + [
            {
                "destinations": [_only(address) for address in outside.addresses],
                "port": outside.port,
                "protocol": "tcp",
                "purpose": outside.purpose,
                **_only_for(outside),
            }
            for outside in plan.outside
            if outside.source == machine.name
        ],
        "base_hosts": _names(plan, machine),
        **({"base_bridges": [LANGFUSE_BRIDGE]} if "langfuse" in machine.services else {}),
        # In a container the clock is the host's; setting it is neither possible nor needed.
        "base_time_sync": plan.target == "live" and machine.kind != "lxc",
    }


def seen_from(plan: Plan, here: str, there: str) -> str:
    """The address of one machine as another sees it; loopback where they are the same."""
    return _LOOPBACK if here == there else str(address_of(plan, there))


def address_of(plan: Plan, machine: str) -> IPv4Address:
    return next(planned.address for planned in plan.machines if planned.name == machine)


def _admin_networks(plan: Plan, given: InventoryInput) -> list[str]:
    """Who may open ssh: the administrators and provision itself; everyone where neither is known."""
    controllers = [*([plan.gateway] if plan.target == "lab" else []), *given.controllers]
    networks = [*map(str, plan.admin_networks), *map(_only, controllers)]
    open_to_all = plan.target == "live" and not plan.admin_networks
    return [ANYWHERE] if open_to_all else list(dict.fromkeys(networks))


def _sources(plan: Plan, flow: Flow) -> list[str]:
    return [ANYWHERE] if flow.source == "world" else [_only(address_of(plan, flow.source))]


def _only_for(outside: OutsideFlow) -> dict[str, str]:
    """A provider of models is for the decision layer alone, also on a machine that has everything."""
    return {"user": USERS[DECISION_LAYER]} if outside.service == DECISION_LAYER else {}


def _names(plan: Plan, machine: PlannedMachine) -> list[dict[str, Any]]:
    """The other machines, the sites at the gateway's address, and where alerts go: no DNS is asked for any of them."""
    gateways = {flow.target for flow in plan.flows if flow.source == "world"}
    names = []
    for other in plan.machines:
        sites = [site.host for site in plan.sites] if other.name in gateways else []
        own = [] if other.name == machine.name else [f"{other.name}.{plan.domain}", other.name]
        if own or sites:
            names.append({"address": str(other.address), "names": [*own, *sites]})
    if any(service.name == ALERTMANAGER and service.machine == machine.name for service in plan.services):
        outside = (where for _, where in plan.alerts.destinations if where.host != str(where.address))
        names += [{"address": str(where.address), "names": [where.host]} for where in outside]
    return names + [
        {"address": str(address), "names": [outside.host]}
        for outside in plan.outside
        for address in outside.addresses
        if outside.source == machine.name and outside.host != str(address)
    ]


def _mirror(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {"address": parts.hostname, "port": parts.port or 80} if url else {}


def _only(address: IPv4Address) -> str:
    return f"{address}/32"
