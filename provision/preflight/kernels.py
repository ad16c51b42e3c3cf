"""Which kernel boots next."""

from __future__ import annotations

from provision.models.node import NodeObservation
from provision.preflight.driver_table import numbers


def next_kernel(node: NodeObservation) -> str:
    """The pinned one (/etc/kernel/proxmox-boot-pin), else the newest that is installed, else the one that runs."""
    installed = [kernel.release for kernel in node.kernels or ()]
    if node.pinned_kernel:
        return node.pinned_kernel
    return max(installed, key=numbers, default=node.kernel)
