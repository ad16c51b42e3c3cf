"""Are the device nodes there that containers get?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem

_WHO = {"proxmox": "containers that get them", "host": "models on cards"}


def judge(evidence: Evidence) -> Iterator[Problem]:
    node, cards = evidence.node, evidence.plan.cards
    if not cards or node.driver is None:
        return
    if node.device_nodes is None:
        yield evidence.unknown("device_nodes", "which /dev/nvidia* exist")
        return
    wanted = [f"/dev/nvidia{number}" for number in range(len(cards))]
    wanted += ["/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"]
    missing = [path for path in wanted if path not in node.device_nodes]
    if missing:
        yield Problem(
            f"device nodes are missing, so {_WHO[evidence.platform]} do not start: " + ", ".join(missing),
            "nvidia-modprobe -u -c 0 makes them until the next boot, "
            + ("a unit Before=pve-guests.service for good" if evidence.platform == "proxmox" else "a unit for good"),
            where="/dev",
        )


CHECK = Check(
    id="device_nodes",
    asks="`/dev/nvidia0` and on, `nvidiactl`, `nvidia-uvm` and `nvidia-uvm-tools` exist.",
    why="udev's bare nvidia-modprobe does not make nvidia-uvm (libnvidia-container#388).",
    judge=judge,
    mended=True,
    platforms=EVERYWHERE,
)
