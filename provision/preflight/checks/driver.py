"""Is the NVIDIA driver loaded?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem
from provision.preflight.driver_table import drivers_for
from provision.preflight.kernels import next_kernel


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if not evidence.plan.cards or node.driver is not None:
        return
    if "driver" in node.unread:
        yield evidence.unknown("driver", "which NVIDIA driver is loaded")
        return
    kernel = next_kernel(node)
    known = drivers_for(kernel)
    from_which = f"{', '.join(known)} or newer of the same branch" if known else "none is known: docs/driver-kernels.md"
    yield Problem(
        "no NVIDIA driver is loaded: "
        + ("containers with cards do not start" if evidence.platform == "proxmox" else "no model can use a card"),
        f"install NVIDIA's .run with open kernel modules and DKMS; known to build for {kernel}: {from_which}",
        where="/proc/driver/nvidia/version",
    )


CHECK = Check(
    id="driver",
    asks="The NVIDIA kernel module is loaded.",
    why="A container whose `dev[n]` is missing on the host does not start (pve-container, Tools.pm).",
    judge=judge,
    mended=True,
    platforms=EVERYWHERE,
)
