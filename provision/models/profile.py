"""The profile: what hardware there is and what shall run on it.

Sizes are kept in MiB, power in watts, contexts in tokens. The text forms ("24GiB", "450W",
"8192 tokens") are read by `provision.models.units`.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provision.models.alerts import Alerts, MailAddress
from provision.models.base import FilePath, Frozen
from provision.models.routing import Routing
from provision.models.system import PROVEN, System
from provision.models.units import Mebibytes, Tokens, Watts

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HostName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
PersonName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,60}$")]
ProductName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,80}$")]
DocumentClass = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,40}$")]
IssuerUrl = Annotated[
    str,
    StringConstraints(pattern=rf"^https://{_LABEL}(\.{_LABEL})+(:[0-9]{{1,5}})?(/[A-Za-z0-9._~-]+)*$", max_length=400),
]
OidcClient = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~:@/-]{1,200}$")]
MachineName = Slug
KvType = Literal["f16", "q8_0", "q4_0", "fp8"]
Engine = Literal["llama_cpp", "ollama", "vllm"]
Provider = Literal["hetzner", "scaleway", "other"]


MirrorAddress = Annotated[str, StringConstraints(pattern=r"^http://[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]{1,5})?$")]
"""Plain HTTP, since every file is known by its sha256; an address, since machines let nothing else out."""
_REST = rf"{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?/[A-Za-z0-9._~/-]*$"
HttpsAddress = Annotated[str, StringConstraints(pattern=rf"^https://{_REST}", max_length=300)]
WebAddress = Annotated[str, StringConstraints(pattern=rf"^https?://{_REST}", max_length=300)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,59}$")]
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
    provider: Provider = "other"
    """Whose firewall stands before a rented host: the plan says what to open there."""
    system: System = PROVEN
    """What is installed on a host."""
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


DevicePath = Annotated[str, StringConstraints(pattern=r"^/dev/[A-Za-z0-9][A-Za-z0-9/._:+-]{0,120}$")]


class Hardware(Frozen):
    cpu: Cpu
    memory: Mebibytes
    storage: Mebibytes
    scratch: DevicePath | None = None
    """A whole disk of a host that may be emptied whenever it is stopped: models lie on it, and are fetched again."""
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
    replicas: Annotated[int, Field(ge=1, le=4)] = 1
    """Servers of this model behind one address, each on cards of its own; one may fail. `gpus` are dealt out."""
    gpu_share: Annotated[float, Field(ge=0.05, le=0.98)] | None = None
    """vLLM only: the share of each card's memory that it takes, which lets other engines have the rest. Without it
    the model has its cards alone."""


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


class Certificate(Frozen):
    """Who vouches for the sites: the gateway's own CA, an ACME server, or a certificate that is supplied as files."""

    source: Literal["own", "acme", "supplied"] = "own"
    directory: HttpsAddress | None = None
    """The ACME server's directory."""
    email: MailAddress | None = None
    """Whom the ACME server may write to."""
    addresses: Annotated[tuple[IPv4Address, ...], Field(max_length=8)] = ()
    """Of the ACME server: the gateway may open connections to these and to nothing else outside."""
    challenge: Literal["tls-alpn-01", "http-01"] = "tls-alpn-01"
    """How the ACME server makes sure: by port 443 or by port 80 of every site's name."""
    authority: FilePath | None = None
    """PEM file with the root that vouches for the certificates, where that is no public CA."""
    certificate: FilePath | None = None
    """PEM file: the supplied certificate first, then those in between."""
    key: FilePath | None = None
    """PEM file with its private key, readable by its owner alone."""


class SignOn(Frozen):
    """A single sign-on that is asked before every request, by forward authentication."""

    url: WebAddress
    """What the gateway asks: 2xx lets the request through, any other answer goes to the visitor."""
    addresses: Annotated[tuple[IPv4Address, ...], Field(min_length=1, max_length=8)]
    """Of that service: the gateway may open connections to these."""
    headers: Annotated[tuple[HeaderName, ...], Field(max_length=16)] = ()
    """Headers of its answer that the site gets; what a visitor sends under these names is dropped."""


class Access(Frozen):
    """The gateway, the only way in."""

    chat_port: Annotated[int, Field(ge=1, le=65535)] = 443
    flows_port: Annotated[int, Field(ge=1, le=65535)] = 8443
    metrics_port: Annotated[int, Field(ge=1, le=65535)] = 9443
    traces_port: Annotated[int, Field(ge=1, le=65535)] = 9444
    certificate: Certificate = Certificate()
    sign_on: SignOn | None = None


class SignIn(Frozen):
    """Sign-in to Open WebUI by OpenID Connect, beside the passwords. The client's secret is given by `secrets set`."""

    issuer: IssuerUrl
    """As the provider names itself; its discovery document lies below it at /.well-known/openid-configuration."""
    addresses: Annotated[tuple[IPv4Address, ...], Field(min_length=1, max_length=8)]
    """Where it is reached: machines ask no foreign name server, and their firewall lets out to these alone."""
    client_id: OidcClient
    name: ProductName = "Single sign-on"
    """What the button says."""


class Workflows(Frozen):
    """What the sample workflows of n8n are told about the firm."""

    document_classes: Annotated[tuple[DocumentClass, ...], Field(min_length=2, max_length=32)] = (
        "invoice",
        "order",
        "contract",
        "application",
        "complaint",
        "other",
    )
    """What an incoming document may be; the model chooses one of them."""


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
    alerts: Alerts = Alerts()
    """Whom Alertmanager tells."""
    workflows: Workflows = Workflows()
    sign_in: SignIn | None = None
    routing: Routing = Routing()
    """Which models outside the house the decision layer may use, and for what."""
    artifact_mirror: MirrorAddress | None = None
    """Where machines fetch files by their sha256 instead of upstream: `provision mirror serve` on another machine."""


class Source(Frozen):
    """Where a value came from: a layer, and the place within it."""

    layer: Literal["built-in", "file", "client", "--set", "default"]
    place: str


class LoadedProfile(Frozen):
    """A profile and, for every leaf ('hardware.gpus.0.model'), its source."""

    profile: Profile
    sources: dict[str, Source]
