"""The inventory as data, ready to be written as YAML. It holds no secret, only references to the vault."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Any

from pydantic import StringConstraints

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


class ModelFile(Frozen):
    """A model file as the engine's role fetches it."""

    file: str
    url: str
    sha256: str
    size_mib: int


class SecretReference(Frozen):
    """Stands for a secret by its name in the vault."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]


class InventoryInput(Frozen):
    """What the inventory needs beyond the plan; empty for a render without a target."""

    controllers: tuple[IPv4Address, ...] = ()
    """Where the machines see provision itself come from; in the lab that follows from the plan."""
    connections: tuple[Connection, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    model_files: tuple[ModelFile, ...] = ()
    ca_bundle: str = ""
    mirror: str = ""
    pynvml: str = ""


class Inventory(Frozen):
    """Groups, and variables for all machines and for each machine: plain data and SecretReference."""

    title: str

    groups: dict[str, tuple[str, ...]]
    all_vars: dict[str, Any]
    host_vars: dict[str, dict[str, Any]]
