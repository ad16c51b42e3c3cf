"""Has the node the memory of all planned guests?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    planned = sum(machine.memory_mib for machine in evidence.planned_guests)
    if node.memory_mib is None:
        yield evidence.unknown("memory_mib", "how much memory the node has")
        return
    if planned > node.memory_mib:
        yield Problem(
            f"the planned guests take {planned} MiB of memory, the node has {node.memory_mib} MiB",
            "lower machines.*.memory in the profile; an engine's memory must hold its model's file",
            where="/proc/meminfo",
            concerns="plan",
        )
        return
    others = [
        guest
        for guest in node.guests or ()
        if guest.node == node.node and guest.status == "running" and evidence.owner(guest) is None
    ]
    taken = sum(guest.memory_mib for guest in others)
    if planned + taken > node.memory_mib:
        named = ", ".join(f"{guest.id} '{guest.name}' {guest.memory_mib} MiB" for guest in others)
        yield Problem(
            f"planned guests ({planned} MiB) and running ones ({taken} MiB) may take more than {node.memory_mib} MiB",
            f"shut guests down or give them less: {named}",
            where="/proc/meminfo",
            severity="warning",
        )


CHECK = Check(
    id="memory",
    asks="The planned guests' memory is there; with the other running guests it is not overcommitted.",
    why="The page cache of a model's file is charged to its guest (pve-container, Config.pm: memory.max).",
    judge=judge,
)
