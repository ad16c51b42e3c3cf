"""Can the node install packages: no enterprise repository without a subscription, and one of Proxmox's at all?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.node import AptSource
from provision.preflight.check import Check, Evidence, Problem

_ENTERPRISE = "enterprise.proxmox.com"
_FREE = "pve-no-subscription"


def judge(evidence: Evidence) -> Iterator[Problem]:
    sources = evidence.node.repositories
    if sources is None:
        yield evidence.unknown("repositories", "where packages come from")
        return
    paid = [source for source in sources if _ENTERPRISE in source.uri]
    if paid:
        yield from _subscription(evidence, paid)
    if not any("pve" in component for source in sources for component in source.components):
        yield Problem(
            "no package source of Proxmox VE is enabled: kernel headers cannot be installed",
            "enable pve-no-subscription (or pve-enterprise with a subscription) under Updates > Repositories",
            where="/etc/apt/sources.list.d",
            severity="warning",
        )


def _subscription(evidence: Evidence, paid: list[AptSource]) -> Iterator[Problem]:
    state, files = evidence.node.subscription, ", ".join(dict.fromkeys(source.file for source in paid))
    if state is None:
        yield evidence.unknown("subscription", f"whether there is a subscription for {_ENTERPRISE} ({files})")
    elif state != "active":
        yield Problem(
            f"the enterprise repository is enabled and there is no active subscription ({state}): apt-get update fails",
            f"switch it off ('Enabled: no', or a # before the line) and enable {_FREE}, or enter a subscription key",
            where=files,
        )


CHECK = Check(
    id="repositories",
    asks="No source at enterprise.proxmox.com without an active subscription; a pve component is enabled.",
    why="A fresh node points there, and `apt-get update` ends with 401 Unauthorized.",
    judge=judge,
)
