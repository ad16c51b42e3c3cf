"""The LXC configuration of one guest, as text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from provision.lab.network import bridge_name, gateway_of
from provision.lab.places import container_name, guest_home
from provision.lab.plain_host import DEVICES
from provision.lab.requirements import SUBID_COUNT, SUBID_START
from provision.models.lab import LabGuest, LabSpec

UNIFIED_CGROUPS = Path("/sys/fs/cgroup/cgroup.controllers")
CPU_PERIOD_US = 100_000


def veth_name(lab: str, guest: str) -> str:
    """The host's end of the guest's cable: 10 of the 15 characters that a link may have."""
    return f"pv{hashlib.sha256(container_name(lab, guest).encode()).hexdigest()[:8]}"


def hardware_address(lab: str, guest: str) -> str:
    """The same after every start, so that neighbours need not forget the former one; locally administered (02)."""
    digits = hashlib.sha256(container_name(lab, guest).encode()).hexdigest()
    return "02:" + ":".join(digits[place : place + 2] for place in range(0, 10, 2))


def render_config(spec: LabSpec, guest: LabGuest, devices: Sequence[Path]) -> str:
    """The `config` file: user namespace, network, limits, devices, bind mounts.

    Mounts are made in the guest's own mount namespace only, so they end with its last process.
    """
    home = guest_home(spec.name, guest.name)
    lines = [
        "lxc.include = /usr/share/lxc/config/common.conf",
        "lxc.include = /usr/share/lxc/config/userns.conf",
        # A pristine proc and sys aside lets hardened units (ProtectProc=, PrivateDevices=) mount their own,
        # as Proxmox's `nesting=1` does.
        "lxc.include = /usr/share/lxc/config/nesting.conf",
        "lxc.apparmor.profile = generated",
        "lxc.apparmor.allow_nesting = 1",
        f"lxc.idmap = u 0 {SUBID_START} {SUBID_COUNT}",
        f"lxc.idmap = g 0 {SUBID_START} {SUBID_COUNT}",
        f"lxc.rootfs.path = dir:{home / 'rootfs'}",
        f"lxc.uts.name = {guest.name}",
        "lxc.signal.halt = SIGRTMIN+3",
        "lxc.net.0.type = veth",
        f"lxc.net.0.link = {bridge_name(spec.name)}",
        f"lxc.net.0.veth.pair = {veth_name(spec.name, guest.name)}",
        f"lxc.net.0.hwaddr = {hardware_address(spec.name, guest.name)}",
        "lxc.net.0.name = eth0",
        "lxc.net.0.flags = up",
        f"lxc.net.0.ipv4.address = {guest.address}/{spec.network.prefixlen}",
        f"lxc.net.0.ipv4.gateway = {gateway_of(spec.network)}",
        *_limits(guest),
    ]
    # A host's driver makes its device nodes; until then they lie aside.
    below = DEVICES if guest.plain_host else "dev"
    lines += [f"lxc.mount.entry = {node} {below}/{node.name} none bind,create=file 0 0" for node in devices]
    lines += [_mount_line(Path(mount.path)) for mount in guest.mounts]
    return "\n".join(lines) + "\n"


def _mount_line(path: Path) -> str:
    kind = "dir" if path.is_dir() else "file"
    inside = _escaped(str(path).lstrip("/"))
    return f"lxc.mount.entry = {_escaped(str(path))} {inside} none ro,bind,create={kind} 0 0"


def _escaped(path: str) -> str:
    """fstab(5): a space in a path is written \\040."""
    return path.replace("\\", "\\134").replace(" ", "\\040")


def _limits(guest: LabGuest) -> list[str]:
    unified = UNIFIED_CGROUPS.exists()
    lines = []
    if guest.memory_mib is not None:
        key = "lxc.cgroup2.memory.max" if unified else "lxc.cgroup.memory.limit_in_bytes"
        lines.append(f"{key} = {guest.memory_mib}M")
    if guest.cores is not None:
        quota = guest.cores * CPU_PERIOD_US
        if unified:
            lines.append(f"lxc.cgroup2.cpu.max = {quota} {CPU_PERIOD_US}")
        else:
            lines.append(f"lxc.cgroup.cpu.cfs_quota_us = {quota}")
    return lines
