"""Can DKMS build modules, for the kernel that runs and for the one that boots next?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.node import NodeObservation
from provision.preflight.check import Check, Evidence, Problem
from provision.preflight.kernels import next_kernel

_META = ("proxmox-default-headers", "pve-headers")
"""Each follows the default kernel: the second one is its older name."""


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if node.kernels is None:
        yield evidence.unknown("kernels", "whether there are kernel headers")
        return
    with_headers = {kernel.release for kernel in node.kernels if kernel.headers}
    if node.kernel not in with_headers:
        yield Problem(
            f"there are no headers for the running kernel {node.kernel}: no driver module can be built for it",
            _install(node, node.kernel),
            where=f"/lib/modules/{node.kernel}/build",
        )
    following = next_kernel(node)
    if following != node.kernel and following not in with_headers:
        yield Problem(
            f"there are no headers for {following}, which boots next: the cards would be gone after a reboot",
            _install(node, following),
            where=f"/lib/modules/{following}/build",
        )
    if node.header_packages is not None and not set(_META) & set(node.header_packages):
        yield Problem(
            "headers do not follow kernel updates: DKMS skips the next kernel, and the cards are gone after a reboot",
            f"apt-get install {_META[0]}",
            where="package proxmox-default-headers",
            severity="warning",
        )


def _install(node: NodeObservation, release: str) -> str:
    package = f"proxmox-headers-{release}"
    if node.available_headers is None or package in node.available_headers:
        return f"apt-get install {package}"
    return f"apt-get update && apt-get install {package} (the node's package lists do not have it now)"


CHECK = Check(
    id="kernel_headers",
    asks="Headers for the running kernel and the next one; `proxmox-default-headers` is installed.",
    why="Headers must be there before a kernel update, or DKMS skips it (i915-sriov-dkms#403).",
    judge=judge,
    mended=True,
)
