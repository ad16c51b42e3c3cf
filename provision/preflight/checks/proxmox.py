"""Is it a Proxmox VE node of a version that can pass devices to containers?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import Check, Evidence, Problem
from provision.preflight.driver_table import numbers

_FIRST = (8, 1)
"""`dev[n]` exists since Proxmox VE 8.1 (pve-container, commit ce1976b)."""
_NEWEST_MAJOR = 9


def judge(evidence: Evidence) -> Iterator[Problem]:
    version = evidence.node.pve
    if version is None:
        why = evidence.node.unread.get("pve", "pveversion does not name pve-manager")
        yield Problem(f"this is no Proxmox VE node: {why}", "name the Proxmox node: --set platform.host=NODE")
    elif numbers(version)[:2] < _FIRST:
        yield Problem(
            f"Proxmox VE {version} cannot pass devices to a container (dev[n] came with 8.1)",
            "upgrade the node to Proxmox VE 9: pve8to9 --full checks what stands in the way, from 7 first pve7to8",
        )
    elif numbers(version)[0] < _NEWEST_MAJOR:
        yield Problem(
            f"Proxmox VE {version} gets no updates since 2026-08",
            "plan the upgrade to Proxmox VE 9 (pve8to9 --full checks it); until then provision goes on with 8",
            severity="warning",
        )
    elif numbers(version)[0] > _NEWEST_MAJOR:
        yield Problem(
            f"Proxmox VE {version} is newer than what provision knows: whether it goes is not known",
            "Proxmox VE 9 is known; a newer provision may know this one",
            severity="warning",
        )


CHECK = Check(
    id="proxmox",
    asks="`pveversion` names Proxmox VE 8.1 or newer.",
    why="`dev[n]` came with 8.1; Proxmox VE 8 and Debian 12 ended in 2026-08 (pve-docs, pve-faq.adoc).",
    judge=judge,
    anywhere=True,
)
