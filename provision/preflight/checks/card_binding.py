"""Is every card free for the NVIDIA driver, or taken for passthrough to a VM?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.node import NodeCard
from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem

_OURS = ("nvidia", "nouveau")
"""nouveau has a check of its own."""


def judge(evidence: Evidence) -> Iterator[Problem]:
    if not evidence.plan.cards:
        return
    for card in evidence.node.cards or ():
        if card.driver is not None and card.driver not in _OURS:
            yield Problem(
                f"the card is bound to {card.driver}: the host cannot use it, nor share it with containers",
                f"take {card.device} out of 'options vfio-pci ids=' in /etc/modprobe.d (and out of the VM that it is "
                "passed to), update-initramfs -u -k all, then reboot",
                where=f"card {card.address}",
            )
    for guest in evidence.node.guests or ():
        claimed = [c for c in evidence.node.cards or () if any(_names(value, c) for value in guest.passed_through)]
        if claimed and guest.node == evidence.node.node and guest.status != "running":
            yield Problem(
                f"VM {guest.id} '{guest.name}' takes the card away from the host when it starts (hostpci)",
                f"qm set {guest.id} --delete hostpciN, or leave the VM off",
                where=", ".join(f"card {card.address}" for card in claimed),
                severity="warning",
            )


def _names(value: str, card: NodeCard) -> bool:
    """A hostpci value names '01:00', '01:00.0' or '0000:01:00.0', several parted by ';', options after a ','."""
    named = value.split(",")[0].removeprefix("host=").split(";")
    whole = [name if name.count(":") == 2 else f"0000:{name}" for name in named]
    return any(card.address == name or card.address.startswith(f"{name}.") for name in whole)


CHECK = Check(
    id="card_binding",
    asks="No NVIDIA card is bound to vfio-pci or another driver, and no VM that is off would take one.",
    why="Sharing with containers and passthrough exclude each other per card (ryzen-gpu-passthrough-proxmox#84).",
    judge=judge,
    platforms=EVERYWHERE,
)
