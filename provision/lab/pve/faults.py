"""Faults of the lab's node, or of a guest that stands for a host: what a real one says when something is wrong."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from provision.errors import UsageError
from provision.lab.kernel import RELEASE_FILE, VERSION_FILE, load_driver, loaded_version, own_facts, pci_path
from provision.lab.places import guest_home
from provision.lab.plain_host import tree_of, write_host_facts
from provision.lab.pve.driver import ONLY_BUILDS
from provision.lab.pve.facts import write_facts
from provision.lab.records import read_spec
from provision.models.lab import NODE_NAME, NodeFault, SimulatedGpu

Cards = Sequence[SimulatedGpu]


def set_node_fault(lab: str, machine: str, fault: NodeFault | None) -> None:
    """Make the node, or the host, fail in one way, or heal it (None). Raises UsageError where there is none of it."""
    spec = read_spec(lab)
    host = next((guest for guest in spec.guests if guest.name == machine and guest.plain_host), None)
    if host is None and (spec.node is None or machine != NODE_NAME):
        raise UsageError(f"lab '{lab}' has no Proxmox node", where="--machine", hint="name a guest with cards")
    tree = tree_of(guest_home(lab, machine) / "rootfs")
    loaded = loaded_version(tree)
    if host:
        write_host_facts(tree, host, None)
    elif spec.node:
        write_facts(lab, spec.node)
    if loaded and fault not in ("driver-gone", "secure-boot"):
        load_driver(tree, loaded)
    if fault is not None:
        _FAULTS[fault](tree, host.gpus if host else spec.node.gpus if spec.node else ())
    own_facts(tree)


def _secure_boot(tree: Path, _: Cards) -> None:
    """On, and DKMS has no key that is enrolled."""
    (tree / "sys" / "firmware" / "efi").mkdir(parents=True)
    (tree / "answers" / "mokutil").write_text("0\nSecureBoot enabled\n")


def _no_headers(tree: Path, _: Cards) -> None:
    shutil.rmtree(tree / "lib" / "modules" / (tree / RELEASE_FILE).read_text().strip() / "build")


def _next_kernel(tree: Path, _: Cards) -> None:
    """One that no driver is known to build for boots next."""
    (tree / "boot" / "vmlinuz-99.1.0-1-pve").write_text("")
    (tree / "lib" / "modules" / "99.1.0-1-pve" / "build").mkdir(parents=True)


def _vfio(tree: Path, cards: Cards) -> None:
    _bind(tree, cards, "vfio-pci")


def _one_card(tree: Path, cards: Cards) -> None:
    """The last one fell off the bus."""
    address = pci_path(cards[-1])
    shutil.rmtree(tree / "sys" / "bus" / "pci" / "devices" / address)
    shutil.rmtree(tree / "proc" / "driver" / "nvidia" / "gpus" / address, ignore_errors=True)


def _upgraded(tree: Path, _: Cards) -> None:
    """By an unattended upgrade, in the last part of its version."""
    path = tree / VERSION_FILE
    found = re.search(r"(\d+\.\d+\.)(\d+)", path.read_text())
    if found:
        path.write_text(path.read_text().replace(found[0], f"{found[1]}{int(found[2]) + 1:02}"))


def _breaks(tree: Path, _: Cards) -> None:
    """No driver but the loaded one builds."""
    found = re.search(r"\d+\.\d+\.\d+", (tree / VERSION_FILE).read_text())
    (tree / ONLY_BUILDS).write_text(found[0] if found else "none")


def _bind(tree: Path, cards: Cards, driver: str) -> None:
    bound = tree / "sys" / "bus" / "pci" / "devices" / pci_path(cards[0]) / "driver"
    bound.unlink(missing_ok=True)
    bound.symlink_to(f"../../drivers/{driver}")


_FAULTS: dict[NodeFault, Callable[[Path, Cards], None]] = {
    "driver-breaks": _breaks,
    "driver-gone": lambda _tree, _cards: None,
    "secure-boot": _secure_boot,
    "no-headers": _no_headers,
    "next-kernel": _next_kernel,
    "vfio": _vfio,
    "one-card": _one_card,
    "driver-upgraded": _upgraded,
}
