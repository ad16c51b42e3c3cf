"""Plain ready hosts for Molecule and CI: `provision lab hosts --count N`."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network

from provision.errors import SetupError
from provision.lab.lab import ensure_lab, list_labs
from provision.lab.network import taken_networks
from provision.models.lab import LabGuest, LabSpec, LabState

HOSTS_NETWORK = IPv4Network("10.98.0.0/16")
FIRST_HOST = 10
MOST_HOSTS = 200


def ensure_hosts(name: str, count: int, progress: Callable[[str], None] = lambda _: None) -> LabState:
    """A lab `name` of `count` plain guests h1..hN, on the network it has or on a free /24.

    Raises SetupError when `count` is out of range or no network is free, and what `ensure_lab` raises.
    """
    if not 1 <= count <= MOST_HOSTS:
        raise SetupError(f"{count} hosts cannot be made", where="--count", hint=f"ask for 1 to {MOST_HOSTS} hosts")
    kept = next((lab.network for lab in list_labs() if lab.name == name), None)
    network = kept or free_network(HOSTS_NETWORK, 24)
    guests = tuple(
        LabGuest(name=f"h{number}", address=network.network_address + FIRST_HOST + number - 1)
        for number in range(1, count + 1)
    )
    return ensure_lab(LabSpec(name=name, network=network, guests=guests), progress)


def free_network(within: IPv4Network, prefix: int) -> IPv4Network:
    """The first subnet of that size that neither this machine nor a lab uses. Raises SetupError when all are."""
    taken = [network for network, _ in taken_networks()] + [lab.network for lab in list_labs()]
    for network in within.subnets(new_prefix=prefix):
        if not any(network.overlaps(other) for other in taken):
            return network
    raise SetupError(
        f"no free /{prefix} network is left in {within}",
        where="the addresses and routes of this machine",
        hint="take down labs that are no longer used (provision lab list)",
    )
