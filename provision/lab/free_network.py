"""A lab on a network that nobody uses, also when several labs choose one at the same moment."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from ipaddress import IPv4Network

from provision.errors import SetupError
from provision.lab.lab import Progress, destroy_lab, ensure_lab, list_labs
from provision.lab.network import NetworkTakenError, taken_networks
from provision.models.lab import LabSpec, LabState

ATTEMPTS = 5


def on_free_network(
    lab: str, within: IPv4Network, prefix: int, shape: Callable[[IPv4Network], LabSpec], progress: Progress
) -> LabState:
    """`ensure_lab` with the spec that `shape` gives for a free network; chosen anew when another lab was faster."""
    for attempt in range(ATTEMPTS):
        network = free_network(lab, within, prefix)
        try:
            return ensure_lab(shape(network), progress)
        except NetworkTakenError:
            destroy_lab(lab)
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def free_network(lab: str, within: IPv4Network, prefix: int) -> IPv4Network:
    """A subnet of that size that neither this machine nor a lab uses. Raises SetupError when all are.

    The search starts at a place that the lab's name decides, so that two labs seldom try the same one.
    """
    taken = [network for network, _ in taken_networks()] + [other.network for other in list_labs()]
    size = 2 ** (32 - prefix)
    count = within.num_addresses // size
    start = zlib.crc32(lab.encode())
    for step in range(count):
        network = IPv4Network((int(within[0]) + (start + step) % count * size, prefix))
        if not any(network.overlaps(other) for other in taken):
            return network
    raise SetupError(
        f"no free /{prefix} network is left in {within}",
        where="the addresses and routes of this machine",
        hint="take down labs that are no longer used (provision lab list)",
    )
