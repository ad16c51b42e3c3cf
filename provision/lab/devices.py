"""Device nodes of a GPU guest: real char devices with no driver behind them, passed in as Proxmox passes `dev[n]`.

Opening one gives ENXIO where the permissions are right and EACCES where they are wrong, so modes and groups of a
passthrough are tested for real.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from provision.lab.requirements import SUBID_START
from provision.models.lab import LabDevice, LabGuest

# NVIDIA's fixed major number (linux/Documentation/admin-guide/devices.txt); nvidia-uvm's is dynamic, 511 on most.
NVIDIA_MAJOR = 195
UVM_MAJOR = 511
CONTROL_MINOR = 255
MODESET_MINOR = 254
DEVICE_GROUP = "video"
HOST_MODE = 0o666
"""As NVIDIA's driver makes them (NVreg_DeviceFileMode)."""


def node_numbers(cards: int, taken_majors: frozenset[int]) -> dict[str, tuple[int, int]]:
    """Name under /dev -> (major, minor) for `cards` cards.

    A major number that a driver of this machine owns is replaced by a free one: a simulated card must never
    open a real device.
    """
    nvidia = _free_major(NVIDIA_MAJOR, taken_majors)
    uvm = _free_major(UVM_MAJOR, taken_majors | {nvidia})
    nodes = {f"nvidia{index}": (nvidia, index) for index in range(cards)}
    nodes["nvidiactl"] = (nvidia, CONTROL_MINOR)
    nodes["nvidia-modeset"] = (nvidia, MODESET_MINOR)
    nodes["nvidia-uvm"] = (uvm, 0)
    nodes["nvidia-uvm-tools"] = (uvm, 1)
    return nodes


def make_nodes(folder: Path, rootfs: Path, guest: LabGuest) -> tuple[Path, ...]:
    """Make the nodes in `folder`: as a container gets them, of its video group and mode 0660; on a host as NVIDIA's
    driver makes them, root's and open to all."""
    group, mode = (0, HOST_MODE) if guest.plain_host else (guest_gid(rootfs, DEVICE_GROUP), 0o660)
    numbers = node_numbers(len(guest.gpus), taken_majors()).items()
    return place_devices(
        folder, [LabDevice(name=name, major=one, minor=two, gid=group, mode=mode) for name, (one, two) in numbers]
    )


def place_devices(folder: Path, devices: Sequence[LabDevice]) -> tuple[Path, ...]:
    """Make exactly these nodes in `folder`, for the guest's own ids; their paths in the same order."""
    folder.mkdir(exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    made = []
    for device in devices:
        path = folder / device.name
        os.mknod(path, stat.S_IFCHR | device.mode, os.makedev(device.major, device.minor))
        os.chown(path, SUBID_START + device.uid, SUBID_START + device.gid)
        path.chmod(device.mode)
        made.append(path)
    return tuple(made)


def taken_majors(listing: Path = Path("/proc/devices")) -> frozenset[int]:
    """Char-device majors that a driver of this kernel has registered."""
    chars = listing.read_text().partition("Block devices:")[0]
    return frozenset(int(line.split()[0]) for line in chars.splitlines() if line.strip()[:1].isdigit())


def guest_gid(rootfs: Path, group: str) -> int:
    """The gid of a group of the guest."""
    for line in (rootfs / "etc/group").read_text().splitlines():
        name, _, gid, *_ = line.split(":")
        if name == group:
            return int(gid)
    raise LookupError(f"the guest has no group {group}")


def _free_major(wanted: int, taken: frozenset[int] | set[int]) -> int:
    return wanted if wanted not in taken else max(set(range(384, 511)) - taken)
