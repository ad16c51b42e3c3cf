"""The inventory as data, ready to be written as YAML. It holds no secret, only references to the vault."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

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


class InventoryInput(Frozen):
    """What the inventory needs beyond the plan; empty for a render without a target."""

    connections: tuple[Connection, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    model_files: tuple[ModelFile, ...] = ()
    ca_bundle: str = ""
    mirror: str = ""
    pynvml: str = ""


class Inventory(Frozen):
    """Groups, and variables for all machines and for each machine."""

    groups: dict[str, tuple[str, ...]]
    all_vars: dict[str, Any]
    host_vars: dict[str, dict[str, Any]]
