"""The Proxmox node, or the plain host, as an inventory of its own: the roles that come before the plan's machines."""

from __future__ import annotations

from typing import Any

from provision.inventory.connect_vars import connect_vars
from provision.models.artifact import NodeArtifact
from provision.models.inventory import DriverInput, Inventory, ModelFile
from provision.models.node import NodeAccess, NodeObservation
from provision.models.plan import Plan

# On a live node; the lab's has no kernel of its own to build for or to keep.
_HELD = ("proxmox-default-kernel", "proxmox-default-headers")
_BUILDS_WITH = ("dkms", "gcc", "make")
_KEPT = ("nvidia", "libnvidia", "libcuda")
"""No unattended upgrade of a plain host touches these. Its kernel is not kept back: it faces the internet, its updates
stay within one series, and DKMS builds the module for each since the headers follow."""
_FIRST_ON_HOST = "multi-user.target"
"""Active once a restarted host is whole again; `is-active` of anything earlier would answer too soon."""


def published_driver(pinned: NodeArtifact, *, may_reboot: bool) -> DriverInput:
    """The driver as upstream publishes it. Raises ValueError for an unresolved one, which is refused beforehand."""
    if pinned.checksum.hex is None:
        raise ValueError(f"{pinned.name} is unresolved")
    size = (pinned.size_bytes or 0) // 2**20
    installer = ModelFile(file=pinned.file, url=pinned.url, sha256=pinned.checksum.hex, size_mib=size)
    return DriverInput(version=pinned.version, installer=installer, may_reboot=may_reboot, shown_as=pinned.version)


def build_node_inventory(
    plan: Plan, access: NodeAccess, node: NodeObservation, driver: DriverInput | None
) -> Inventory:
    """Its roles, and what each is given; without a driver it is left to whoever keeps it."""
    login = access.login
    variables = {
        **connect_vars(login.address, login.port, login.user, login.private_key, login.known_hosts),
        "provision_roles": [*(["proxmox_node"] if plan.proxmox else []), *(["nvidia_host"] if driver else [])],
        **(_guests_of(plan) if plan.proxmox else {}),
        **(_driver_vars(plan, node, driver) if driver else {}),
    }
    return Inventory(
        title=f"node of client {plan.client}, profile {plan.profile}, target {plan.target}",
        groups={"node": (access.node,)},
        all_vars={"ansible_python_interpreter": "/usr/bin/python3"},
        host_vars={access.node: variables},
    )


def _guests_of(plan: Plan) -> dict[str, Any]:
    return {"proxmox_node_guests": {plan.client: sorted(m.guest.id for m in plan.machines if m.guest)}}


def _driver_vars(plan: Plan, node: NodeObservation, driver: DriverInput) -> dict[str, Any]:
    live = plan.target == "live"
    return {
        "nvidia_host_cards": len(plan.cards),
        "nvidia_host_version": driver.version,
        "nvidia_host_installer": driver.installer.model_dump(),
        "nvidia_host_may_reboot": driver.may_reboot,
        "nvidia_host_packages": [*_BUILDS_WITH, *_headers(plan, node)] if live else [],
        "nvidia_host_power_limits": [
            {"address": seen.address, "watts": card.power_limit_w}
            for card, seen in zip(plan.cards, node.cards or (), strict=False)
            if card.power_limit_w
        ],
        "nvidia_host_held": list(_HELD) if live and plan.proxmox else [],
        "nvidia_host_loaded_file": f"{driver.proc}/driver/nvidia/version",
        "nvidia_host_modules_file": f"{driver.proc}/modules",
        **({} if plan.proxmox else _plain_host_vars(plan)),
    }


def _headers(plan: Plan, node: NodeObservation) -> tuple[str, str]:
    return ("proxmox-default-headers", f"proxmox-headers-{node.kernel}") if plan.proxmox else node.distribution_headers


def _plain_host_vars(plan: Plan) -> dict[str, Any]:
    """What differs from a node: no guests to wait for, but engines of its own."""
    units = {service.name: service.unit for service in plan.services}
    with_cards = [engine for engine in plan.engines if engine.cards]
    return {
        "nvidia_host_back": _FIRST_ON_HOST,
        "nvidia_host_kept": list(_KEPT),
        "nvidia_host_before": [units[engine.service].replace("@.", f"@{engine.name}.") for engine in with_cards],
    }
