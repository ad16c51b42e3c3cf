"""May the node upgrade the driver or the kernel by itself?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if not evidence.plan.cards:
        return
    if node.unattended is None:
        yield evidence.unknown("unattended", "whether packages are upgraded unattended")
    elif node.unattended.enabled:
        kept = (*node.unattended.blacklist, *(node.held or ()))
        if not any("nvidia" in name for name in kept):
            yield Problem(
                "unattended upgrades may change the NVIDIA driver: from then on nothing in the guests finds its card",
                'Unattended-Upgrade::Package-Blacklist { "nvidia"; "libnvidia"; "libcuda"; "proxmox-kernel"; };',
                where="/etc/apt/apt.conf.d/50unattended-upgrades",
                severity="warning",
            )


CHECK = Check(
    id="upgrades",
    asks="Unattended upgrades are off, or keep away from nvidia (blacklist or hold).",
    why="Host and guests need the same full driver version: 570.148.06 and .08 already fail (nvidiavgpuarchive#1).",
    judge=judge,
    mended=True,
    platforms=EVERYWHERE,
)
