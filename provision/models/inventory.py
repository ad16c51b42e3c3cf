"""The inventory as data, ready to be written as YAML. It holds no secret, only references to the vault."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from provision.models.base import Frozen


class Connection(Frozen):
    """How Ansible reaches one machine."""

    machine: str
    address: IPv4Address
    port: int
    user: str
    private_key: str
    known_hosts: str


class Bundle(Frozen):
    """A ready-built release in the artifact mirror."""

    release: str
    url: str
    sha256: str


class ServiceArtifact(Frozen):
    """A file of upstream that a service's recipe unpacks: `name` as in the lock, `file` as upstream calls it."""

    name: str
    file: str
    url: str
    sha256: str


class ServiceImage(Frozen):
    """A container image as a machine gets it: by `reference` from its registry, or loaded under that name from the
    archive (what `docker save` writes, packed with zstd) at `url` with this sha256, which may hold several."""

    name: str
    reference: str
    url: str = ""
    sha256: str = ""


class ModelFile(Frozen):
    """A model file as the engine's role fetches it."""

    file: str
    url: str
    sha256: str
    size_mib: int


class SecretReference(Frozen):
    """Stands for a secret by its name in the vault."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]


class DriverInput(Frozen):
    """An NVIDIA driver as node and guests fetch it: its full version and NVIDIA's .run.

    `proc` is where the node tells the loaded one; `guest_file` where a guest does, which shows it as `shown_as`.
    """

    version: str
    installer: ModelFile
    may_reboot: bool
    shown_as: str
    proc: str = "/proc"
    guest_file: str = "/proc/driver/nvidia/version"


class CertificateFiles(Frozen):
    """What the controller's files hold that the profile names, as PEM; the private key is in the vault."""

    authority: str = ""
    chain: str = ""
    providers: dict[str, str] = Field(default_factory=dict)
    """By file: who vouches for the hosts of models outside."""


class InventoryInput(Frozen):
    """What the inventory needs beyond the plan; empty for a render without a target."""

    controllers: tuple[IPv4Address, ...] = ()
    """Where the machines see provision itself come from; in the lab that follows from the plan."""
    connections: tuple[Connection, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    artifacts: tuple[ServiceArtifact, ...] = ()
    images: tuple[ServiceImage, ...] = ()
    model_files: tuple[ModelFile, ...] = ()
    ca_bundle: str = ""
    certificate: CertificateFiles = CertificateFiles()
    firm_policy: str = ""
    """The text of the firm's own policy, judged already; empty where the profile names none."""
    mirror: str = ""
    driver: DriverInput | None = None
    """What guests with cards get of it: its libraries."""
    pynvml: str = ""


class Inventory(Frozen):
    """Groups, and variables for all machines and for each machine: plain data and SecretReference."""

    title: str

    groups: dict[str, tuple[str, ...]]
    all_vars: dict[str, Any]
    host_vars: dict[str, dict[str, Any]]
