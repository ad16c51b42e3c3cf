"""The plan: every decision, made before anything is touched. Memory in MiB, ports as numbers.

A plan holds no secret and no time: the same profile and catalogue give the same plan, byte for byte.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from provision.models.base import Frozen
from provision.models.profile import KvType


class Card(Frozen):
    """A physical card of the profile. `uuid` is known only where it was read or simulated."""

    index: int
    model: str
    nvml_name: str
    memory_mib: int
    usable_mib: int
    bandwidth_gb_s: float
    uuid: str | None
    pci_address: str | None
    simulated: bool
    minor: int | None = None
    """N of its /dev/nvidiaN on the machine that has it, known as `uuid` is."""
    power_limit_w: int | None = None
    """What the card is set to at every boot, watts; None leaves it at its own."""


class CardBudget(Frozen):
    """What one model is expected to take on one card, MiB."""

    card: int
    weights_mib: int
    kv_mib: int
    compute_mib: int
    overhead_mib: int
    total_mib: int


class EngineInstance(Frozen):
    """One model server process with the flags that realise the plan."""

    name: str
    service: str
    machine: str
    wanted_model: str
    model: str
    quant: str
    model_file: str
    simulated: bool
    """True where the lab replaced `wanted_model` by a small real model and the cards are simulated."""
    embeddings: bool = False
    """Serves vectors (/v1/embeddings) and no text."""
    pooling: Literal["model", "mean"] = "model"
    """How the outputs of a text's tokens become one vector; "model": as the model's file says."""
    port: int
    context_tokens: int
    parallel: int
    kv: KvType
    split_mode: Literal["none", "layer"]
    tensor_split: tuple[float, ...]
    gpu_layers: int
    batch: int = 2048
    """Tokens handed over at once; of an embedding engine the server lowers it to `ubatch`."""
    ubatch: int
    """Tokens computed at once. Longer texts are refused by an embedding engine, unless it pools the last token
    (llama.cpp, tools/server/server-context.cpp, can_split)."""
    threads: int
    cards: tuple[CardBudget, ...]
    host_mib: int
    """Memory expected in the host's RAM (all of it where there is no card)."""
    decode_bound_tok_s: float | None
    """Upper bound of single-stream decoding from memory bandwidth; None without a card."""


class Flow(Frozen):
    """One allowed connection: who may open which port of which machine, and why."""

    source: str
    """A machine's name, 'controller', 'admin' or 'world' (everyone who can reach the gateway)."""
    target: str
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    purpose: str


class PlannedService(Frozen):
    name: str
    machine: str
    port: int | None
    unit: str
    release: str | None
    """Release id, None for a Debian package."""


class GuestPlan(Frozen):
    """What a Proxmox guest is beyond its machine. Sizes in MiB; `models_mib` is a volume of its own, 0 for none."""

    id: int
    start_order: int
    system_mib: int
    models_mib: int


class ProxmoxPlan(Frozen):
    """Where the guests live on their node. `pool` and `tag` are the client's: what lacks the tag is never touched."""

    pool: str
    tag: str

    storage: str
    templates: str
    bridge: str
    zone: str
    template: str


class PlannedMachine(Frozen):
    name: str
    kind: Literal["lxc", "vm", "host"]
    address: IPv4Address
    cores: int
    memory_mib: int
    disk_mib: int
    services: tuple[str, ...]
    roles: tuple[str, ...]
    """Ansible roles in the order they are applied."""
    cards: tuple[int, ...]
    guest: GuestPlan | None = None
    """Where a Proxmox node makes this machine."""


class Site(Frozen):
    """One address a person opens."""

    name: str
    purpose: str
    host: str
    port: int
    url: str
    upstream: str


class Finding(Frozen):
    """Something a person should know before going on."""

    severity: Literal["note", "warning"]
    what: str
    where: str
    hint: str


class Plan(Frozen):
    format: Literal[1] = 1
    profile: str
    client: str
    target: Literal["live", "lab"]
    platform: Literal["proxmox", "host", "lab"]
    network: IPv4Network
    gateway: IPv4Address
    domain: str
    admin_networks: tuple[IPv4Network, ...]
    admin_email: str
    admin_name: str
    cards: tuple[Card, ...]
    machines: tuple[PlannedMachine, ...]
    services: tuple[PlannedService, ...]
    engines: tuple[EngineInstance, ...]
    flows: tuple[Flow, ...]
    sites: tuple[Site, ...]
    findings: tuple[Finding, ...]
    proxmox: ProxmoxPlan | None = None
    """Of a profile for Proxmox, live and in the lab; None where there are no guests to make."""

    @property
    def text_engines(self) -> tuple[EngineInstance, ...]:
        """The engines that write text, in the plan's order; the others serve embeddings."""
        return tuple(engine for engine in self.engines if not engine.embeddings)


class PlanChange(Frozen):
    """One difference between two plans, by path ('machines.engine.memory_mib')."""

    path: str
    before: str | None
    after: str | None
