"""Can a VM be made: do the storages take its image and its disk, and is an image that is there the pinned one?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import Check, Evidence, Problem
from provision.preflight.driver_table import numbers

_FIRST = (8, 4)
"""The first whose upload takes qcow2 as content `import` (docs/adr/0009)."""


def judge(evidence: Evidence) -> Iterator[Problem]:
    where, node = evidence.plan.proxmox, evidence.node
    if where is None or not any(machine.kind == "vm" for machine in evidence.missing_guests):
        return
    if node.pve and numbers(node.pve)[:2] < _FIRST:
        yield Problem(
            f"Proxmox VE {node.pve} takes no image for VMs by its API (that came with 8.4)",
            "upgrade the node (pve8to9 --full checks it), or plan the machine with kind: lxc",
        )
    elif node.image_storages is None:
        yield evidence.unknown("image_storages", "whether VMs can be made", "Proxmox VE 8.4 and newer import images")
    else:
        for content, name, what in (
            ("import", where.templates, "images to import"),
            ("images", where.storage, "disks"),
        ):
            if name not in node.image_storages.get(content, ()):
                yield Problem(
                    f"the storage '{name}' takes no {what} of VMs",
                    f"tick it: Datacenter > Storage > {name} > Edit > Content, or name another (platform.guests)",
                    where=f"pvesm status --content {content}",
                )
    yield from _sum(evidence)


def _sum(evidence: Evidence) -> Iterator[Problem]:
    wanted, sums = evidence.wanted, evidence.node.image_sums
    if wanted is None or wanted.image is None:
        return
    if sums is None:
        yield evidence.unknown("image_sums", "whether the image for VMs is the pinned one")
    elif sums.get(wanted.image, wanted.image_sha512) != wanted.image_sha512:
        yield Problem(
            f"the image {wanted.image} is not the pinned one: its sha512 is {sums[wanted.image][:16]}…, "
            f"pinned is {wanted.image_sha512[:16]}…",
            "remove it (it is damaged, or somebody changed it) and run again: the pinned one is uploaded",
            where="/var/lib/vz/import",
        )


CHECK = Check(
    id="image",
    asks="Where a VM is to be made: storages take its image and disk; an image of the pinned name is the pinned one.",
    why="A VM's disk is made from it; a storage without the content type refuses it (pve-storage, Status.pm, upload).",
    judge=judge,
)
