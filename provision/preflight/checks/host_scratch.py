"""Plain host: is the scratch disk of the profile there, and empty or ours? Is there an empty one that nobody uses?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.node import WholeDisk
from provision.preflight.check import HOST, Check, Evidence, Problem

LABEL = "provision-models"
"""Of the file system that roles/scratch makes; a test holds the two together."""


def judge(evidence: Evidence) -> Iterator[Problem]:
    machine, disks = evidence.host, evidence.node.disks
    if machine is None or evidence.plan.target == "lab":
        return
    if disks is None:
        if machine.scratch:
            yield evidence.unknown("disks", f"whether the scratch disk {machine.scratch} is there")
        return
    empty = [disk for disk in disks if not disk.holds]
    if machine.scratch is None:
        if empty and any(engine.machine == machine.name for engine in evidence.plan.engines):
            first = empty[0]
            yield Problem(
                f"the disk {first.path} ({first.size_mib // 1024} GiB) is empty and not used",
                f"--set hardware.scratch={first.alias or first.path} puts the models on it",
                where="lsblk",
                severity="warning",
            )
        return
    disk = next((disk for disk in disks if machine.scratch in (disk.path, disk.alias)), None)
    if disk is None:
        there = ", ".join(disk.alias or disk.path for disk in empty) or "none is empty"
        yield Problem(
            f"the scratch disk {machine.scratch} is not there as a whole disk; empty ones: {there}",
            "set hardware.scratch to one of the host's disks",
            where="lsblk",
            concerns="plan",
        )
    elif disk.holds and not _is_ours(disk):
        yield Problem(
            f"the scratch disk {machine.scratch} is not empty: {', '.join(disk.holds)}",
            "name another one in hardware.scratch; or, where nothing on it is needed, wipefs --all it yourself",
            where="lsblk",
        )


def _is_ours(disk: WholeDisk) -> bool:
    return disk.label == LABEL and all(word == "ext4" or word.startswith("mounted at ") for word in disk.holds)


CHECK = Check(
    id="host_scratch",
    asks="Plain host: the scratch disk of the profile is there, and is empty or ours; an empty one is told of.",
    why="It is formatted where it is empty; what somebody else has on it must never be lost.",
    judge=judge,
    platforms=HOST,
)
