"""Plain host: has it the memory and the disk that the plan counts on?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import HOST, Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    node, machine = evidence.node, evidence.host
    if machine is None or evidence.plan.target == "lab":
        return  # a guest of the lab has what this machine has, which says nothing of the profile's hardware
    if node.memory_mib is None:
        yield evidence.unknown("memory_mib", "how much memory it has")
    elif machine.memory_mib > node.memory_mib:
        yield Problem(
            f"'{machine.name}' counts on {machine.memory_mib} MiB of memory, the host has {node.memory_mib} MiB",
            "lower machines.*.memory in the profile; an engine's memory must hold its model's file",
            where="/proc/meminfo",
            concerns="plan",
        )
    if node.disk is None:
        yield evidence.unknown("disk", "how much room its disk has")
        return
    # Once a stack stands, part of what is taken is its own.
    room, word = (node.disk.total_mib, "in all") if node.stands else (node.disk.free_mib, "free")
    if machine.disk_mib > room:
        yield Problem(
            f"'{machine.name}' counts on {machine.disk_mib} MiB of disk, {room} MiB are {word}",
            "make room, mount a larger disk at /var/lib, or lower machines.*.disk in the profile",
            where="/var/lib",
            concerns="plan",
        )


CHECK = Check(
    id="host_room",
    asks="Plain host: memory and disk that the plan counts on.",
    why="A full disk stops a run half-way; a model's file that does not fit into memory loads slowly.",
    judge=judge,
    platforms=HOST,
)
