"""Is there room for the disks of the guests that do not stand yet?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.preflight.check import Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if node.storages is None:
        yield evidence.unknown("storages", "which storages there are")
        return
    wanted = sorted((machine.disk_mib for machine in evidence.missing_guests), reverse=True)
    usable = [storage for storage in node.storages if storage.active and storage.rootdir]
    if wanted and not usable:
        off = ", ".join(storage.name for storage in node.storages if storage.rootdir and not storage.active)
        yield Problem(
            "no active storage takes disks of containers" + (f" (not active: {off})" if off else ""),
            "tick 'Guest' for a storage: Datacenter > Storage > Edit > Content",
            where="pvesm status --content rootdir",
        )
    elif not _fits(wanted, [storage.available_mib for storage in usable]):
        free = ", ".join(f"{storage.name} {storage.available_mib} MiB" for storage in usable)
        yield Problem(
            f"the guests to be made need {sum(wanted)} MiB of disk, the largest {wanted[0]} MiB; free: {free}",
            "make room, add a storage, or lower machines.*.disk in the profile",
            where="pvesm status --content rootdir",
            concerns="plan",
        )


def _fits(wanted: Sequence[int], free: Sequence[int]) -> bool:
    """The largest disk first, each onto the storage with the most room left."""
    left = list(free)
    for disk in wanted:
        best = max(range(len(left)), key=left.__getitem__, default=None)
        if best is None or left[best] < disk:
            return False
        left[best] -= disk
    return True


CHECK = Check(
    id="storage",
    asks="Active storages for container disks have room for the guests that are to be made.",
    why="A full storage stops a run half-way; on a thin pool it stops every guest.",
    judge=judge,
)
