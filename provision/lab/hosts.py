"""Plain ready hosts for Molecule and CI: `provision lab hosts --count N`."""

from __future__ import annotations

from ipaddress import IPv4Network

from provision.errors import SetupError
from provision.lab.free_network import on_free_network
from provision.lab.lab import Progress, ensure_lab, list_labs
from provision.models.lab import LabGuest, LabSpec, LabState

HOSTS_NETWORKS = IPv4Network("10.98.0.0/16")
FIRST_HOST = 10
MOST_HOSTS = 200


def ensure_hosts(name: str, count: int, progress: Progress = lambda _: None) -> LabState:
    """A lab `name` of `count` plain guests h1..hN, on the network it has or on a free /24.

    Raises SetupError when `count` is out of range or no network is free, and what `ensure_lab` raises.
    """
    if not 1 <= count <= MOST_HOSTS:
        raise SetupError(f"{count} hosts cannot be made", where="--count", hint=f"ask for 1 to {MOST_HOSTS} hosts")
    kept = next((lab.network for lab in list_labs() if lab.name == name), None)
    if kept:
        return ensure_lab(hosts_spec(name, count, kept), progress)
    return on_free_network(name, HOSTS_NETWORKS, 24, lambda network: hosts_spec(name, count, network), progress)


def hosts_spec(name: str, count: int, network: IPv4Network) -> LabSpec:
    guests = tuple(
        LabGuest(name=f"h{number}", address=network[FIRST_HOST + number - 1]) for number in range(1, count + 1)
    )
    return LabSpec(name=name, network=network, guests=guests)
