"""The Proxmox node as an inventory of its own: one host, the roles that make it ready for the plan's guests."""

from __future__ import annotations

from typing import Any

from provision.inventory.connect_vars import connect_vars
from provision.models.artifact import NodeArtifact
from provision.models.inventory import DriverInput, Inventory, ModelFile
from provision.models.node import NodeAccess, NodeObservation
from provision.models.plan import Plan

# On a live node; the lab's has no kernel of its own to build for or to keep.
_HELD = ("proxmox-default-kernel", "proxmox-default-headers")
_BUILDS_WITH = ("dkms", "gcc", "make", "proxmox-default-headers")


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
        "provision_roles": ["proxmox_node", *(["nvidia_host"] if driver else [])],
        "proxmox_node_guests": {plan.client: sorted(m.guest.id for m in plan.machines if m.guest)},
        **(_driver_vars(plan, node, driver) if driver else {}),
    }
    return Inventory(
        title=f"node of client {plan.client}, profile {plan.profile}, target {plan.target}",
        groups={"node": (access.node,)},
        all_vars={"ansible_python_interpreter": "/usr/bin/python3"},
        host_vars={access.node: variables},
    )


def _driver_vars(plan: Plan, node: NodeObservation, driver: DriverInput) -> dict[str, Any]:
    live = plan.target == "live"
    return {
        "nvidia_host_cards": len(plan.cards),
        "nvidia_host_version": driver.version,
        "nvidia_host_installer": driver.installer.model_dump(),
        "nvidia_host_may_reboot": driver.may_reboot,
        "nvidia_host_packages": [*_BUILDS_WITH, f"proxmox-headers-{node.kernel}"] if live else [],
        "nvidia_host_power_limits": [
            {"address": seen.address, "watts": card.power_limit_w}
            for card, seen in zip(plan.cards, node.cards or (), strict=False)
            if card.power_limit_w
        ],
        "nvidia_host_held": list(_HELD) if live else [],
        "nvidia_host_loaded_file": f"{driver.proc}/driver/nvidia/version",
        "nvidia_host_modules_file": f"{driver.proc}/modules",
    }
