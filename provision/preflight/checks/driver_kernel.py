"""Does the driver build for the kernel that runs, and for the one that boots next?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.node import NodeObservation
from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem
from provision.preflight.driver_table import does_build, drivers_for, numbers
from provision.preflight.kernels import next_kernel


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    wanted = evidence.wanted.driver if evidence.wanted else None
    version = wanted or node.driver or _newest_in_dkms(node)
    if not evidence.plan.cards or version is None or evidence.leaves_driver:
        return
    for kernel in dict.fromkeys((node.kernel, next_kernel(node))):
        runs = kernel == node.kernel and node.driver == version
        if not runs and not _built(node, version, kernel):
            yield from _ask_table(node, version, kernel)


def _ask_table(node: NodeObservation, version: str, kernel: str) -> Iterator[Problem]:
    answer, known = does_build(version, kernel), drivers_for(kernel)
    newer = (
        f"known to build: {', '.join(known)} or newer of the same branch" if known else "no driver is known to build"
    )
    keep = f", or keep the kernel that works: proxmox-boot-tool kernel pin {node.kernel}" if node.driver else ""
    when = "runs" if kernel == node.kernel else "boots next"
    if answer.builds is False and answer.row:
        yield Problem(
            f"NVIDIA driver {version} does not build for kernel {kernel}, which {when}",
            f"install another driver ({newer}){keep}",
            where=f"docs/driver-kernels.md, {answer.row.source}",
        )
    elif answer.builds is None:
        yield Problem(
            f"whether NVIDIA driver {version} builds for kernel {kernel}, which {when}, is not known",
            f"try it before you rely on it: dkms build nvidia/{version} -k {kernel} ({newer}){keep}",
            where="docs/driver-kernels.md",
            severity="warning",
        )


def _newest_in_dkms(node: NodeObservation) -> str | None:
    return max((module.version for module in node.dkms or ()), key=numbers, default=None)


def _built(node: NodeObservation, version: str, kernel: str) -> bool:
    return any(
        module.version == version and module.kernel == kernel and module.state in {"built", "installed"}
        for module in node.dkms or ()
    )


CHECK = Check(
    id="driver_kernel",
    asks="The driver runs or is built for the kernel, or the table knows that it builds.",
    why="A kernel update without a driver that builds takes the cards away at the next boot (docs/driver-kernels.md).",
    judge=judge,
    platforms=EVERYWHERE,
)
