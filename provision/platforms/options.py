"""Values of a Proxmox configuration that containers and VMs have alike. Pure."""

from __future__ import annotations

from provision.models.guests import GuestKind
from provision.models.plan import Plan, ProxmoxPlan

GENERAL_TAG = "provision"
_CARD_MODELS = frozenset({"virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"})
"""A VM's net0 begins with MODEL=ADDRESS (qemu-server, PVE/QemuServer/Network.pm), a container's has hwaddr=ADDRESS."""


def common_options(plan: Plan, where: ProxmoxPlan) -> dict[str, str]:
    """Whose the guest is, and that the node starts it."""
    return {
        "onboot": "1",
        "tags": ";".join(sorted({GENERAL_TAG, where.tag})),
        "description": f"Made by provision for client {plan.client}. Its next run undoes changes by hand.",
    }


def properties_of(value: str) -> dict[str, str]:
    """'a=1,b=2' as a mapping; a part without '=' is its own key, with an empty value."""
    return {key: text for key, _, text in (part.partition("=") for part in value.split(",")) if key}


def without_hardware_address(network: str) -> dict[str, str]:
    """A net0 that stands, as it was asked for."""
    found = properties_of(network)
    found.pop("hwaddr", None)
    return {key: "" if key in _CARD_MODELS else text for key, text in found.items()}


def keep_hardware_address(kind: GuestKind, wanted: str, present: str) -> str:
    """`wanted` with the address that stands, or Proxmox would make a new one."""
    found = properties_of(present)
    if kind == "lxc":
        return f"{wanted},hwaddr={found['hwaddr']}" if "hwaddr" in found else wanted
    model = wanted.split(",")[0]
    return wanted.replace(model, f"{model}={found[model]}", 1) if found.get(model) else wanted
