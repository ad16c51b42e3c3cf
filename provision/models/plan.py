"""The plan: every decision, made before anything is touched. Memory in MiB, ports as numbers.

A plan holds no secret and no time: the same profile and catalogue give the same plan, byte for byte.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from provision.models.alerts import Alerts
from provision.models.base import Frozen
from provision.models.profile import Certificate, KvType, Provider, SignOn
from provision.models.routing import Routing
from provision.models.sites import SitePaths
from provision.models.system import PROVEN, System


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


class VllmFlags(Frozen):
    """What `vllm serve` is told beyond the common fields; the names are those of its options."""

    tensor_parallel: int
    gpu_memory_utilization: float | None
    """Share of each card's CUDA total; None without a card."""
    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    kv_cache_dtype: Literal["auto", "fp8"]
    quantization: str | None = None
    """None: as the checkpoint's own config.json says."""
    peer_to_peer: bool
    """False sets NCCL_P2P_DISABLE=1: the cards have no NVLink, and consumer cards no peer access over PCIe."""
    cpu_kv_gib: int | None = None
    """VLLM_CPU_KVCACHE_SPACE, GiB; None on cards."""


class OllamaFlags(Frozen):
    """What Ollama is told by its environment (OLLAMA_CONTEXT_LENGTH, _NUM_PARALLEL, _KV_CACHE_TYPE, ...)."""

    context_length: int
    """Tokens of each slot."""
    num_parallel: int
    kv_cache_type: Literal["f16", "q8_0", "q4_0"]
    flash_attention: bool
    sched_spread: bool
    """Over all of its cards, as planned, also where one would do."""


class EngineInstance(Frozen):
    """One model server process with the flags that realise the plan.

    `split_mode` to `threads` are llama.cpp's flags; `vllm` and `ollama` are set for instances of those services.
    """

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
    vllm: VllmFlags | None = None
    ollama: OllamaFlags | None = None
    replica_of: str | None = None
    """The model that this is one of several servers of; clients know that name."""

    @property
    def served_name(self) -> str:
        """The name under which clients ask for the model."""
        return self.replica_of or self.name


class Balancer(Frozen):
    """One address for several servers of a model; `name` is the model's, `members` are its servers'."""

    name: str
    service: str
    machine: str
    port: int
    members: tuple[str, ...]

    @property
    def unit(self) -> str:
        return f"engine-front@{self.service}-{self.name}.service"


OUTSIDE = "outside"
"""Target of a flow that leaves the stack: its `address` says where to."""


class Flow(Frozen):
    """One allowed connection: who may open which port of which machine, and why."""

    source: str
    """A machine's name, 'controller', 'admin' or 'world' (everyone who can reach the gateway)."""
    target: str
    """A machine's name, or 'outside'."""
    address: IPv4Address | None = None
    """Only where the target is outside."""
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    purpose: str


class OutsideFlow(Frozen):
    """A connection that a machine may open to somebody outside the stack."""

    source: str
    host: str
    """The name that is asked for; the machine knows its addresses by itself, since it asks no name server."""
    addresses: tuple[IPv4Address, ...]
    port: int
    purpose: str
    service: str = ""
    """Who asks there; "" in plans of before it was noted."""


class PlannedService(Frozen):
    name: str
    machine: str
    port: int | None
    unit: str
    release: str | None
    """Release id, None for a Debian package."""
    artifacts: tuple[str, ...] = ()
    """Files of upstream that the release is unpacked from, by their names in the lock."""
    images: tuple[str, ...] = ()
    """Container images that it runs from, by their names in images.yml."""
    held: bool = False
    """`provision rollback` holds it on this release."""
    stand_in: bool = False
    """The lab has a stand-in for what upstream publishes: it speaks the same API and is not the real program."""


_CUDA_SWITCHES = {"llama_cpp": "GGML_CUDA", "vllm": "VLLM_CUDA"}


def build_environment(role: str, release: str | None) -> dict[str, str]:
    """What a recipe's build.sh is told through its environment for this release: that of its variant."""
    return {_CUDA_SWITCHES[role]: "ON"} if release and release.endswith("-cuda") else {}


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
    scratch: str | None = None
    """Device of a host's scratch disk, which the models of its engines lie on."""


class Site(Frozen):
    """One address a person opens."""

    name: str
    purpose: str
    host: str
    port: int
    url: str
    upstream: str
    address: str = ""
    """Where the gateway answers, which knows the site by its name."""
    paths: SitePaths = SitePaths()


class PlannedSignIn(Frozen):
    """The OpenID Connect provider that a machine may reach, and no other outside."""

    machine: str
    issuer: str
    host: str
    port: int
    addresses: tuple[IPv4Address, ...]
    client_id: str
    name: str


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
    provider: Provider = "other"
    """Who rents a plain host out."""
    system: System = PROVEN
    """Of every machine."""
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
    balancers: tuple[Balancer, ...] = ()
    flows: tuple[Flow, ...]
    sites: tuple[Site, ...]
    certificate: Certificate = Certificate()
    sign_on: SignOn | None = None
    outside: tuple[OutsideFlow, ...] = ()
    findings: tuple[Finding, ...]
    artifact_mirror: str | None = None
    """Where machines fetch every file by its sha256; None: from upstream, and in the lab from the lab's own."""
    alerts: Alerts = Alerts()
    """Whom Alertmanager tells."""
    document_classes: tuple[str, ...] = ()
    """What n8n's sample workflow sorts documents into."""
    sign_in: PlannedSignIn | None = None
    """None: Open WebUI knows its own passwords alone."""
    routing: Routing = Routing()
    """What the decision layer may use outside."""
    proxmox: ProxmoxPlan | None = None
    """Of a profile for Proxmox, live and in the lab; None where there are no guests to make."""

    @property
    def text_engines(self) -> tuple[EngineInstance, ...]:
        """One engine of each model that writes text, in the plan's order; the others serve embeddings."""
        return tuple(engine for engine in self.asked_engines if not engine.embeddings)

    @property
    def asked_engines(self) -> tuple[EngineInstance, ...]:
        """One engine of each model that clients can ask for, in the plan's order: the first of several servers."""
        first: dict[str, EngineInstance] = {}
        for engine in self.engines:
            first.setdefault(engine.served_name, engine)
        return tuple(first.values())

    def entry_port(self, engine: EngineInstance) -> int:
        """Where clients ask for an engine's model: its own port, or that of the balancer before it."""
        return next((item.port for item in self.balancers if engine.name in item.members), engine.port)


class PlanChange(Frozen):
    """One difference between two plans, by path ('machines.engine.memory_mib')."""

    path: str
    before: str | None
    after: str | None
