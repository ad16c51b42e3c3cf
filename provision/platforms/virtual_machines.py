"""VMs of a plan as Proxmox configurations: for what needs a kernel of its own, such as Docker. Pure.

Keys and values: qemu-server, src/PVE/QemuServer.pm and PVE/API2/Qemu.pm; qm(1). Only such as a token of few privileges
may set (API2/Qemu.pm, check_vm_modify_config_perm): no `startup`, which asks for Sys.Modify on /, so a VM starts after
all guests that have an order. The disk is virtio-blk, which needs no controller (scsihw) beside it.
"""

from __future__ import annotations

from math import ceil
from urllib.parse import quote

from provision.models.guests import Guest
from provision.models.plan import GuestPlan, Plan, PlannedMachine, ProxmoxPlan
from provision.platforms.options import common_options


def describe_vm(plan: Plan, machine: PlannedMachine, where: ProxmoxPlan, guest: GuestPlan) -> Guest:
    """A VM has no cards: the planner refuses engines on it."""
    options = common_options(plan, where) | {
        "name": machine.name,
        "cores": str(machine.cores),
        "memory": str(machine.memory_mib),
        # All of its memory from the start: what Docker's services take is not given back anyway.
        "balloon": "0",
        # The oldest type that has the instructions ClickHouse needs (SSE4.2); PVE's own choice in its wizard.
        "cpu": "x86-64-v2-AES",
        "ostype": "l26",
        "net0": f"virtio,bridge={where.bridge},firewall=1",
        "ipconfig0": f"ip={machine.address}/{plan.network.prefixlen},gw={plan.gateway}",
        "ciuser": "root",
        # cloud-init would else upgrade every package at the first start, unpinned.
        "ciupgrade": "0",
        # Debian 12's image panics at the first start after its disk has grown where it finds no serial port
        # (bpg/terraform-provider-proxmox, issue 1639 and pull request 1886). Asks for VM.Config.HWType.
        "serial0": "socket",
    }
    return Guest(
        kind="qemu",
        id=guest.id,
        name=machine.name,
        start_order=guest.start_order,
        options=options,
        system_gib=ceil(guest.system_mib / 1024),
    )


def vm_parameters(guest: Guest, where: ProxmoxPlan, image: str, ssh_key: str) -> dict[str, str]:
    """What POST /nodes/NODE/qemu is given: the image copied to a disk, cloud-init's drive beside it.

    Without tags, as for a container. The image has a size of its own: the disk is grown once the VM is made.
    `sshkeys` is URL-encoded once more than the request is (qm(1): "urlencoded").
    """
    return {
        **{key: value for key, value in guest.options.items() if key != "tags"},
        "vmid": str(guest.id),
        "pool": where.pool,
        "virtio0": f"{where.storage}:0,import-from={image}",
        "ide2": f"{where.storage}:cloudinit",
        "boot": "order=virtio0",
        "sshkeys": quote(ssh_key.strip(), safe=""),
    }
