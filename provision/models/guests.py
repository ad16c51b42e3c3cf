"""Guests of a Proxmox node: as they shall be, and as they are."""

from __future__ import annotations

from typing import Literal

from provision.models.base import Frozen

GuestKind = Literal["lxc", "qemu"]
"""As Proxmox' API calls containers and VMs."""


class Guest(Frozen):
    """A guest as the plan wants it. `options` are keys and values of its configuration, as Proxmox writes them.

    Disks in GiB, because Proxmox takes them so; `models_gib` 0: no volume for models. `devices`: paths under /dev in
    the order of dev[n], readable by the group `device_gid` of the container; a VM has none.
    """

    kind: GuestKind
    id: int
    name: str
    start_order: int
    options: dict[str, str]
    system_gib: int
    models_gib: int = 0
    models_path: str = ""
    devices: tuple[str, ...] = ()
    device_gid: int = 0

    @property
    def disks(self) -> dict[str, int]:
        """Size by the key of the configuration."""
        if self.kind == "qemu":
            return {"virtio0": self.system_gib}
        return {"rootfs": self.system_gib} | ({"mp0": self.models_gib} if self.models_gib else {})


class GuestState(Frozen):
    """A guest as the API lists it, of those that the token may see."""

    kind: GuestKind
    id: int
    name: str
    status: str
    tags: tuple[str, ...]
    lock: str | None


class GuestChange(Frozen):
    """What differs: `options` to write, disks to grow (key -> GiB)."""

    options: dict[str, str]
    grow: dict[str, int]

    @property
    def is_empty(self) -> bool:
        return not self.options and not self.grow


class GuestDrift(Frozen):
    """One way in which a guest is not what the plan says, for `provision status`."""

    machine: str
    what: str
