"""The containers of a plan as Proxmox configurations, and what differs from those that stand. Pure.

Keys and values: pve-container, src/PVE/LXC/Config.pm; pct(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil

from provision.errors import PlanError, SetupError
from provision.models.guests import Container, ContainerChange, ContainerState
from provision.models.plan import Card, Plan, PlannedMachine, ProxmoxPlan

GENERAL_TAG = "provision"
MODELS_PATH = "/var/lib/llama-cpp/models"
VIDEO_GID = 44
"""Group `video` of every Debian (base-passwd, group.master); the engines' users are its members."""
_COMMON_DEVICES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")
_IN_GIB = {"": 2**-30, "K": 2**-20, "M": 2**-10, "G": 1.0, "T": 2**10}


def describe_containers(plan: Plan) -> tuple[Container, ...]:
    """Every container in the order of starting. Raises SetupError for a card that the node's driver did not name."""
    wanted = [_describe(plan, machine) for machine in plan.machines if machine.guest]
    return tuple(sorted(wanted, key=lambda container: (container.start_order, container.id)))


def _describe(plan: Plan, machine: PlannedMachine) -> Container:
    if machine.guest is None or plan.proxmox is None:
        raise ValueError(f"{machine.name} is no guest of a Proxmox node")
    if machine.kind != "lxc":
        raise PlanError(
            f"'{machine.name}' is to be a VM, and provision does not make VMs yet",
            where=f"machines.{machine.name}.kind",
            hint="write kind: lxc",
        )
    network = f"name=eth0,bridge={plan.proxmox.bridge},firewall=1,gw={plan.gateway}"
    options = {
        "hostname": machine.name,
        "cores": str(machine.cores),
        "memory": str(machine.memory_mib),
        "swap": "0",
        # systemd's hardening (ProtectProc=, PrivateDevices=) mounts; only nesting lets it in a container.
        "features": "nesting=1",
        "net0": f"{network},ip={machine.address}/{plan.network.prefixlen},type=veth",
        "onboot": "1",
        "startup": f"order={machine.guest.start_order}",
        "tags": ";".join(sorted({GENERAL_TAG, plan.proxmox.tag})),
        "description": f"Made by provision for client {plan.client}. Its next run undoes changes by hand.",
    }
    cards = tuple(_device_of(card) for card in plan.cards if card.index in machine.cards)
    return Container(
        id=machine.guest.id,
        name=machine.name,
        start_order=machine.guest.start_order,
        options=options,
        system_gib=ceil(machine.guest.system_mib / 1024),
        models_gib=ceil(machine.guest.models_mib / 1024),
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


def creation_parameters(container: Container, where: ProxmoxPlan, template: str, ssh_key: str) -> dict[str, str]:
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


def is_ours(state: ContainerState, container: Container, tag: str) -> bool:
    """It has the client's tag, or was made by a run that was killed before it set it: in the client's pool, which is
    all that the token sees, with the planned name and no tag at all."""
    return tag in state.tags or (not state.tags and state.name == container.name)


def compare(container: Container, config: Mapping[str, object]) -> ContainerChange:
    """What must be written so that the container is as wanted. Raises PlanError where a disk would have to shrink."""
    options = {key: value for key, value in container.options.items() if not _same(key, value, config.get(key))}
    if "net0" in options:
        options["net0"] = _keep_hardware_address(options["net0"], str(config.get("net0", "")))
    grow = {}
    for key, wanted in (("rootfs", container.system_gib), ("mp0", container.models_gib)):
        present = disk_gib(str(config.get(key, "")))
        if wanted and present and wanted > present:
            grow[key] = wanted
        elif wanted and present and wanted < present:
            raise PlanError(
                f"the disk {key} of '{container.name}' has {present} GiB, and {wanted} GiB are planned",
                where=f"guest {container.id}",
                hint="a disk cannot shrink: plan at least what it has (machines.*.disk)",
            )
    return ContainerChange(options=options, grow=grow)


def disk_gib(volume: str) -> int | None:
    """The size that 'local-lvm:vm-100-disk-0,size=8G' names, in GiB rounded up; None where it names none."""
    found = _SIZE.fullmatch(_properties(volume).get("size", ""))
    return ceil(float(found[1]) * _IN_GIB[found[2]]) if found else None


def devices_of(config: Mapping[str, object]) -> tuple[str, ...]:
    """The paths of dev[n] in their order."""
    keys = sorted((key for key in config if re.fullmatch(r"dev\d+", key)), key=lambda key: int(key[3:]))
    return tuple(str(config[key]).split(",")[0].removeprefix("path=") for key in keys)


def split_tags(text: object) -> tuple[str, ...]:
    """'a;b' as Proxmox writes it; commas and spaces part them too (PVE::JSONSchema, pve-tag-list)."""
    return tuple(sorted(filter(None, re.split(r"[;,\s]+", str(text or "")))))


def _same(key: str, wanted: str, present: object) -> bool:
    if key == "tags":
        return split_tags(wanted) == split_tags(present)
    if key == "net0":
        ours, theirs = _properties(wanted), _properties(str(present or ""))
        theirs.pop("hwaddr", None)
        return ours == theirs
    return wanted == str(present if present is not None else "").strip()


def _keep_hardware_address(wanted: str, present: str) -> str:
    address = _properties(present).get("hwaddr")
    return f"{wanted},hwaddr={address}" if address else wanted


def _properties(value: str) -> dict[str, str]:
    return {key: text for key, separator, text in (part.partition("=") for part in value.split(",")) if separator}
