"""What a lab is asked to be, and what it is.

A lab is a set of real unprivileged LXC guests on a private bridge of this machine.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from provision.models.base import Frozen

GpuFault = Literal[
    "card-missing",
    "driver-mismatch",
    "uvm-missing",
    "cpu-only",
    "vram-held",
    "wrong-card",
]


class SimulatedGpu(Frozen):
    """One card that the simulated NVML of a guest reports; memory in MiB."""

    index: int
    name: str
    uuid: str
    pci_address: str
    memory_mib: int


class LabModel(Frozen):
    """The small real model that stands for large ones in the lab. Sizes in MiB, contexts in tokens.

    `id` is a key of the model catalogue: its hyper-parameters give the KV cache. The other sizes are measured
    on the running server, because what the simulated cards show is the resident memory of its process.
    """

    id: str
    quant: str
    file: str
    weights_mib: int
    compute_mib: int
    process_overhead_mib: int
    """Resident memory beyond weights, KV cache and compute buffers: code, allocator, tokenizer, threads."""
    max_context: int
    """Largest context per slot that the lab gives the model."""
    threads: int = 2
    """Threads per server: all guests of a lab share this machine's cores."""


class LabGuest(Frozen):
    """One guest to have: a name unique within the lab and a fixed address."""

    name: str
    address: IPv4Address
    gpus: tuple[SimulatedGpu, ...] = ()
    memory_mib: int | None = None
    cores: int | None = None


class LabSpec(Frozen):
    """A whole lab: its name, its network and its guests."""

    name: str
    network: IPv4Network
    guests: tuple[LabGuest, ...]
    driver_version: str = "580.126.18"


class LabHost(Frozen):
    """A guest that answers over ssh, as Ansible and Molecule need it."""

    name: str
    address: IPv4Address
    port: int = 22
    user: str = "root"
    private_key: str
    known_hosts: str


class LabState(Frozen):
    """A lab as it stands on this machine."""

    name: str
    network: IPv4Network
    gateway: IPv4Address
    bridge: str
    hosts: tuple[LabHost, ...]
