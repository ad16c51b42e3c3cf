"""The profile: what hardware there is and what shall run on it.

Sizes are kept in MiB, power in watts, contexts in tokens. The text forms ("24GiB", "450W",
"8192 tokens") are read by `provision.models.units`.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provision.models.base import Frozen
from provision.models.units import Mebibytes, Tokens, Watts

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HostName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
MailAddress = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=254),
]
PersonName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,60}$")]
ProductName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,80}$")]
MachineName = Slug
KvType = Literal["f16", "q8_0", "q4_0"]
Engine = Literal["llama_cpp"]


StorageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,62}[A-Za-z0-9]$")]
"""A storage of Proxmox (PVE::JSONSchema, pve-storage-id)."""


class GuestSettings(Frozen):
    """How a Proxmox node keeps the guests. A guest's id is `first_id` and the host part of its address."""

    first_id: Annotated[int, Field(ge=100, le=999_000_000)] = 42000
    storage: StorageName = "local-lvm"
    templates: StorageName = "local"
    zone: Slug = "localnetwork"
    """The SDN zone of the bridge; that of a plain bridge is localnetwork."""


class Platform(Frozen):
    """Where the stack is brought up."""

    kind: Literal["proxmox", "host"]
    host: HostName | None = None
    user: Slug = "root"
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    guests: GuestSettings = GuestSettings()


class Cpu(Frozen):
    model: ProductName
    cores: Annotated[int, Field(ge=1, le=1024)]


class GpuGroup(Frozen):
    """`count` equal cards; `model` is a key of the GPU catalogue."""

    model: Slug
    count: Annotated[int, Field(ge=1, le=16)] = 1
    vram: Mebibytes | None = None
    power_limit: Watts | None = None


class Hardware(Frozen):
    cpu: Cpu
    memory: Mebibytes
    storage: Mebibytes
    power_supply: Watts | None = None
    gpus: Annotated[tuple[GpuGroup, ...], Field(max_length=16)] = ()


class Network(Frozen):
    """The stack's private network; its first host address is the gateway."""

    # A file's text is validated strictly; this default is no text, and needs no validation.
    cidr: Annotated[IPv4Network, Field(validate_default=False)] = IPv4Network("10.42.0.0/24")
    domain: HostName = "ai.internal"
    bridge: Slug = "vmbr0"
    admin_networks: Annotated[tuple[IPv4Network, ...], Field(max_length=32)] = ()


class WorkloadModel(Frozen):
    """One model to serve: on which engine, how quantised, with what context per slot."""

    name: Slug
    model: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,60}$")]
    engine: Engine = "llama_cpp"
    quant: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,16}$")]
    context: Tokens = 8192
    parallel: Annotated[int, Field(ge=1, le=256)] = 1
    kv: KvType = "f16"
    gpus: Annotated[tuple[Annotated[int, Field(ge=0, le=15)], ...], Field(max_length=16)] | None = None


class Workload(Frozen):
    users: Annotated[int, Field(ge=1, le=100_000)] = 20
    models: Annotated[tuple[WorkloadModel, ...], Field(min_length=1, max_length=16)]


class Machine(Frozen):
    """A guest (or the host itself) and the services that are placed on it."""

    name: MachineName
    kind: Literal["lxc", "vm", "host"] = "lxc"
    services: Annotated[tuple[ServiceName, ...], Field(min_length=1, max_length=16)]
    cores: Annotated[int, Field(ge=1, le=1024)]
    memory: Mebibytes
    disk: Mebibytes
    address: Annotated[int, Field(ge=2, le=65534)]
    """The host part of the address within `network.cidr`."""


class Accounts(Frozen):
    """Who is made administrator of the applications; passwords are generated and kept in the vault."""

    admin_email: MailAddress = "admin@ai.internal"
    admin_name: PersonName = "Administrator"


class Access(Frozen):
    """Ports of the gateway, the only way in."""

    chat_port: Annotated[int, Field(ge=1, le=65535)] = 443
    flows_port: Annotated[int, Field(ge=1, le=65535)] = 8443


class Profile(Frozen):
    """A whole profile after all layers are joined: built-in < file < client < --set."""

    version: Literal[1] = 1
    name: Slug
    description: Annotated[str, StringConstraints(max_length=400)] = ""
    client: Slug | None = None
    platform: Platform
    hardware: Hardware
    network: Network = Network()
    workload: Workload
    machines: Annotated[tuple[Machine, ...], Field(min_length=1, max_length=64)]
    accounts: Accounts = Accounts()
    access: Access = Access()


class Source(Frozen):
    """Where a value came from: a layer, and the place within it."""

    layer: Literal["built-in", "file", "client", "--set", "default"]
    place: str


class LoadedProfile(Frozen):
    """A profile and, for every leaf ('hardware.gpus.0.model'), its source."""

    profile: Profile
    sources: dict[str, Source]
