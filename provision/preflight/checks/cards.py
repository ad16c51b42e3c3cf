"""Has the node the cards of the plan?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem

_HINT = "power the node off and reseat the card, or describe the cards that are there: hardware.gpus in the profile"


def judge(evidence: Evidence) -> Iterator[Problem]:
    planned, seen = evidence.plan.cards, evidence.node.cards
    if not planned:
        return
    if seen is None:
        yield evidence.unknown("cards", f"whether the plan's {len(planned)} cards are there")
        return
    there = ", ".join(f"{card.address} {card.model or card.device}" for card in seen) or "none"
    if len(seen) < len(planned):
        yield Problem(
            f"the plan has {len(planned)} cards, the node has {len(seen)}: {there}",
            _HINT,
            where="/sys/bus/pci/devices",
            concerns="plan",
        )
        return
    models = [card.model for card in seen if card.model]
    missing = Counter(card.nvml_name for card in planned) - Counter(models)
    if len(models) == len(seen) and missing:
        wanted = ", ".join(f"{count} x {name}" for name, count in missing.items())
        yield Problem(
            f"the plan has {wanted} more than the node: {there}",
            _HINT,
            where="/proc/driver/nvidia/gpus",
            concerns="plan",
        )


CHECK = Check(
    id="cards",
    asks="As many NVIDIA display devices as planned; their models where the driver is loaded.",
    why="A card that fell off the bus, or another profile than this machine's.",
    judge=judge,
    platforms=EVERYWHERE,
)
