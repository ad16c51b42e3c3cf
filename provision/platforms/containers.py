"""Containers of a plan as Proxmox configurations. Pure.

Keys and values: pve-container, src/PVE/LXC/Config.pm; pct(1).
"""

from __future__ import annotations

from math import ceil

from provision.errors import SetupError
from provision.models.guests import Guest
from provision.models.plan import Card, GuestPlan, Plan, PlannedMachine, ProxmoxPlan
from provision.platforms.options import common_options

MODELS_PATH = "/var/lib/llama-cpp/models"
VIDEO_GID = 44
"""Group `video` of every Debian (base-passwd, group.master); the engines' users are its members."""
_COMMON_DEVICES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset")


def describe_container(plan: Plan, machine: PlannedMachine, where: ProxmoxPlan, guest: GuestPlan) -> Guest:
    """Raises SetupError for a card that the node's driver did not name."""
    network = f"name=eth0,bridge={where.bridge},firewall=1,gw={plan.gateway}"
    options = common_options(plan, where) | {
        "hostname": machine.name,
        "cores": str(machine.cores),
        "memory": str(machine.memory_mib),
        "swap": "0",
        # systemd's hardening (ProtectProc=, PrivateDevices=) mounts; only nesting lets it in a container.
        "features": "nesting=1",
        "net0": f"{network},ip={machine.address}/{plan.network.prefixlen},type=veth",
        "startup": f"order={guest.start_order}",
    }
    cards = tuple(_device_of(card) for card in plan.cards if card.index in machine.cards)
    return Guest(
        kind="lxc",
        id=guest.id,
        name=machine.name,
        start_order=guest.start_order,
        options=options,
        system_gib=ceil(guest.system_mib / 1024),
        models_gib=ceil(guest.models_mib / 1024),
        models_path=MODELS_PATH,
        devices=(*cards, *_COMMON_DEVICES) if cards else (),
        device_gid=VIDEO_GID,
    )


def _device_of(card: Card) -> str:
    if card.minor is None:
        raise SetupError(
            f"it is not known which device node card {card.index} ({card.nvml_name}) has",
            where="the plan's cards",
            hint="the driver tells it: provision doctor --profile says whether it runs on the node",
        )
    return f"/dev/nvidia{card.minor}"


def container_parameters(container: Guest, where: ProxmoxPlan, template: str, ssh_key: str) -> dict[str, str]:
    """What POST /nodes/NODE/lxc is given; unprivileged, without devices, which only root may set (domain.md A2.1).

    Without tags: for them Proxmox asks for VM.Config.Options on the guest itself (pve-guest-common, GuestHelpers.pm,
    assert_tag_permissions), which it holds by its pool only once it is made.
    """
    disks = {"rootfs": f"{where.storage}:{container.system_gib}"}
    if container.models_gib:
        # backup=0: or every backup carries the models (domain.md A6.12).
        disks["mp0"] = f"{where.storage}:{container.models_gib},mp={container.models_path},backup=0"
    return {
        **{key: value for key, value in container.options.items() if key != "tags"},
        **disks,
        "vmid": str(container.id),
        "ostemplate": template,
        "unprivileged": "1",
        "pool": where.pool,
        "ssh-public-keys": ssh_key,
    }
