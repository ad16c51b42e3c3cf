"""Does anybody else use the cards?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem

_HARMLESS = {"nvidia-persiste"}
"""nvidia-persistenced: the kernel keeps 15 characters of a process's name."""


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if not evidence.plan.cards:
        return
    if node.holders is None:
        yield evidence.unknown("holders", "which processes use the cards")
        return
    guests = {guest.id: guest for guest in node.guests or () if guest.node == node.node}
    for holder in node.holders:
        guest = guests.get(holder.guest) if holder.guest is not None else None
        if holder.name in _HARMLESS or evidence.is_ours(holder.unit) or (guest and evidence.owner(guest)):
            continue
        place = f"guest {holder.guest}" + (f" '{guest.name}'" if guest else "") if holder.guest else "the node itself"
        yield Problem(
            f"'{holder.name}' (pid {holder.pid}) in {place} uses a card: its memory is missing to the plan",
            "end it, or take the card away from that guest; nvidia-smi on the node shows how much it takes",
            where=f"pid {holder.pid}",
            severity="warning",
        )


CHECK = Check(
    id="holders",
    asks="No process but the plan's own guests and nvidia-persistenced holds `/dev/nvidia*`.",
    why="The plan gives the cards' whole memory to its models.",
    judge=judge,
    platforms=EVERYWHERE,
)
