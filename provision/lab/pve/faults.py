"""Faults of the lab's node: what a real one says of itself when something is wrong with it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from provision.errors import UsageError
from provision.lab.places import node_tree
from provision.lab.pve.driver import ONLY_BUILDS
from provision.lab.pve.facts import VERSION_FILE, load_driver, loaded_driver, own_facts, pci_path, write_facts
from provision.lab.records import read_spec
from provision.models.lab import LabNode, NodeFault


def set_node_fault(lab: str, fault: NodeFault | None) -> None:
    """Make the node fail in one way, or heal it (None). Raises UsageError for a lab without a Proxmox node."""
    node = read_spec(lab).node
    if node is None:
        raise UsageError(f"lab '{lab}' has no Proxmox node", where="--machine", hint="name a guest with cards")
    tree = node_tree(lab)
    loaded = loaded_driver(lab)
    write_facts(lab, node)
    if loaded and fault not in ("driver-gone", "secure-boot"):
        load_driver(tree, loaded)
    if fault is not None:
        _FAULTS[fault](tree, node)
    own_facts(tree)


def _secure_boot(tree: Path, _: LabNode) -> None:
    """On, and DKMS has no key that is enrolled."""
    (tree / "sys" / "firmware" / "efi").mkdir(parents=True)
    (tree / "answers" / "mokutil").write_text("0\nSecureBoot enabled\n")


def _no_headers(tree: Path, _: LabNode) -> None:
    shutil.rmtree(tree / "lib" / "modules" / os.uname().release / "build")


def _next_kernel(tree: Path, _: LabNode) -> None:
    """One that no driver is known to build for boots next."""
    (tree / "boot" / "vmlinuz-99.1.0-1-pve").write_text("")
    (tree / "lib" / "modules" / "99.1.0-1-pve" / "build").mkdir(parents=True)


def _vfio(tree: Path, node: LabNode) -> None:
    _bind(tree, node, "vfio-pci")


def _one_card(tree: Path, node: LabNode) -> None:
    """The last one fell off the bus."""
    address = pci_path(node.gpus[-1])
    shutil.rmtree(tree / "sys" / "bus" / "pci" / "devices" / address)
    shutil.rmtree(tree / "proc" / "driver" / "nvidia" / "gpus" / address, ignore_errors=True)


def _upgraded(tree: Path, _: LabNode) -> None:
    """By an unattended upgrade, in the last part of its version."""
    path = tree / VERSION_FILE
    found = re.search(r"(\d+\.\d+\.)(\d+)", path.read_text())
    if found:
        path.write_text(path.read_text().replace(found[0], f"{found[1]}{int(found[2]) + 1:02}"))


def _breaks(tree: Path, _: LabNode) -> None:
    """No driver but the loaded one builds."""
    found = re.search(r"\d+\.\d+\.\d+", (tree / VERSION_FILE).read_text())
    (tree / ONLY_BUILDS).write_text(found[0] if found else "none")


def _bind(tree: Path, node: LabNode, driver: str) -> None:
    bound = tree / "sys" / "bus" / "pci" / "devices" / pci_path(node.gpus[0]) / "driver"
    bound.unlink(missing_ok=True)
    bound.symlink_to(f"../../drivers/{driver}")


_FAULTS: dict[NodeFault, Callable[[Path, LabNode], None]] = {
    "driver-breaks": _breaks,
    "driver-gone": lambda _tree, _node: None,
    "secure-boot": _secure_boot,
    "no-headers": _no_headers,
    "next-kernel": _next_kernel,
    "vfio": _vfio,
    "one-card": _one_card,
    "driver-upgraded": _upgraded,
}
