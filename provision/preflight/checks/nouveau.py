"""Is nouveau out of the way?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem

_STEP = "echo 'blacklist nouveau' > /etc/modprobe.d/blacklist-nouveau.conf && update-initramfs -u -k all, then reboot"


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if not evidence.plan.cards:
        return
    if node.modules is None:
        yield evidence.unknown("modules", "whether nouveau is loaded")
    elif "nouveau" in node.modules:
        yield Problem("the nouveau module is loaded and holds the cards", _STEP, where="/proc/modules")
    elif node.blacklisted is None:
        yield evidence.unknown("blacklisted", "whether nouveau is kept from loading")
    elif "nouveau" not in node.blacklisted:
        yield Problem(
            "nouveau is not loaded now, and nothing keeps it from taking the cards at the next boot",
            _STEP,
            where="/etc/modprobe.d",
            severity="warning",
        )


CHECK = Check(
    id="nouveau",
    asks="nouveau is not loaded, and is blacklisted.",
    why="Only one driver can hold a card.",
    judge=judge,
    mended=True,
    platforms=EVERYWHERE,
)
