"""The guests of a plan as Proxmox configurations, and what differs from those that stand. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil

from provision.errors import PlanError
from provision.models.guests import Guest, GuestChange, GuestState
from provision.models.plan import Plan, PlannedMachine, ProxmoxPlan
from provision.platforms.containers import container_parameters, describe_container
from provision.platforms.options import keep_hardware_address, properties_of, without_hardware_address
from provision.platforms.virtual_machines import describe_vm, vm_parameters

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")
_IN_GIB = {"": 2**-30, "K": 2**-20, "M": 2**-10, "G": 1.0, "T": 2**10}


def describe_guests(plan: Plan) -> tuple[Guest, ...]:
    """Every guest in the order of starting. Raises SetupError for a card that the node's driver did not name."""
    wanted = [_describe(plan, machine) for machine in plan.machines if machine.guest]
    return tuple(sorted(wanted, key=lambda guest: (guest.start_order, guest.id)))


def _describe(plan: Plan, machine: PlannedMachine) -> Guest:
    if machine.guest is None or plan.proxmox is None:
        raise ValueError(f"{machine.name} is no guest of a Proxmox node")
    describe = describe_vm if machine.kind == "vm" else describe_container
    return describe(plan, machine, plan.proxmox, machine.guest)


def creation_parameters(guest: Guest, where: ProxmoxPlan, source: str, ssh_key: str) -> dict[str, str]:
    """What POST /nodes/NODE/lxc or /qemu is given. `source`: the volume of the template or of the image."""
    make = vm_parameters if guest.kind == "qemu" else container_parameters
    return make(guest, where, source, ssh_key)


def is_ours(state: GuestState, guest: Guest, tag: str) -> bool:
    """It has the client's tag, or was made by a run that was killed before it set it: in the client's pool, which is
    all that the token sees, with the planned name and no tag at all."""
    return tag in state.tags or (not state.tags and state.name == guest.name)


def compare(guest: Guest, config: Mapping[str, object]) -> GuestChange:
    """What must be written so that the guest is as wanted. Raises PlanError where a disk would have to shrink."""
    options = {key: value for key, value in guest.options.items() if not _same(key, value, config.get(key))}
    if "net0" in options:
        options["net0"] = keep_hardware_address(guest.kind, options["net0"], str(config.get("net0", "")))
    grow = {}
    for key, wanted in guest.disks.items():
        present = disk_gib(str(config.get(key, "")))
        if wanted and present and wanted > present:
            grow[key] = wanted
        elif wanted and present and wanted < present:
            raise PlanError(
                f"the disk {key} of '{guest.name}' has {present} GiB, and {wanted} GiB are planned",
                where=f"guest {guest.id}",
                hint="a disk cannot shrink: plan at least what it has (machines.*.disk)",
            )
    return GuestChange(options=options, grow=grow)


def disk_gib(volume: str) -> int | None:
    """The size that 'local-lvm:vm-100-disk-0,size=8G' names, in GiB rounded up; None where it names none."""
    found = _SIZE.fullmatch(properties_of(volume).get("size", ""))
    return ceil(float(found[1]) * _IN_GIB[found[2]]) if found else None


def devices_of(config: Mapping[str, object]) -> tuple[str, ...]:
    """The paths of dev[n] in their order."""
    keys = sorted((key for key in config if re.fullmatch(r"dev\d+", key)), key=lambda key: int(key[3:]))
    return tuple(str(config[key]).split(",")[0].removeprefix("path=") for key in keys)


def split_tags(text: object) -> tuple[str, ...]:
    """'a;b' as Proxmox writes it; commas and spaces part them too (PVE::JSONSchema, pve-tag-list)."""
    return tuple(sorted(filter(None, re.split(r"[;,\s]+", str(text or "")))))


def _same(key: str, wanted: str, present: object) -> bool:
    """Whether a value that stands says the same; the hardware address of a network card is Proxmox' own choice."""
    if key == "tags":
        return split_tags(wanted) == split_tags(present)
    if key == "net0":
        return properties_of(wanted) == without_hardware_address(str(present or ""))
    return wanted == str(present if present is not None else "").strip()
