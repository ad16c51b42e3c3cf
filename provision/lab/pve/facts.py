"""What the lab's node says of kernel, driver and cards: files in place of a kernel with NVIDIA's driver.

The preflight reads them below `TREE` of the node's guest, where PROVISION_NODE_ROOT points.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from provision.lab.places import node_tree
from provision.lab.requirements import SUBID_START
from provision.models.lab import LabNode, SimulatedGpu

PVE_VERSION = "9.1.1"
"""What the lab's node says it is; the newest that domain.md names a package version of."""

DEVICE_ID = "0x2684"
"""Of a GeForce RTX 4090 (AD102), what the lab's cards say whatever they are (pci.ids)."""

PACKAGE_SOURCE = """Types: deb
URIs: http://download.proxmox.com/debian/pve
Suites: trixie
Components: pve-no-subscription
"""
"""Only shown to the preflight; the lab's node gets packages from where this machine gets them."""

TREE = "/opt/lab-node"

REAL = ("dev", "usr", "var", "run", "etc/modprobe.d", "etc/pve", "etc/provision", "etc/systemd")
"""What the preflight reads of the guest itself."""
ANY_VERSION = "@VERSION@"
"""Stands in `unloaded` for the version that an installer brings."""
VERSION_FILE = "proc/driver/nvidia/version"


def loaded_driver(lab: str) -> str | None:
    """Full version of the simulated driver; None where none is loaded."""
    path = node_tree(lab) / VERSION_FILE
    found = re.search(r"x86_64\s+(\d+(?:\.\d+)+)", path.read_text()) if path.exists() else None
    return found[1] if found else None


def load_driver(tree: Path, version: str) -> None:
    """What the stand-in of NVIDIA's installer does, done from outside (provision/lab/pve/driver.py)."""
    shutil.copytree(tree / "unloaded", tree, symlinks=True, dirs_exist_ok=True)
    for path in (tree / VERSION_FILE, tree / "answers" / "dkms"):
        path.write_text(path.read_text().replace(ANY_VERSION, version))


def write_facts(lab: str, node: LabNode) -> None:
    """What the node says of itself, written anew: fresh from Proxmox's installer, without an NVIDIA driver.

    `unloaded` holds what the stand-in of NVIDIA's installer brings (provision/lab/pve/driver.py).
    """
    tree = node_tree(lab)
    if tree.exists():
        shutil.rmtree(tree)
    release = os.uname().release
    _write(tree / "boot" / f"vmlinuz-{release}", "")
    _write(tree / "lib" / "modules" / release / "build" / "Makefile", "")
    _write(tree / "proc" / "modules", "")
    _write(tree / "proc" / "cmdline", "BOOT_IMAGE=lab\n")
    _write(tree / "proc" / "meminfo", f"MemTotal: {256 * 2**20} kB\n")
    (tree / "sys" / "bus" / "pci" / "devices").mkdir(parents=True)
    answers = {
        "pveversion": f"0\npve-manager: {PVE_VERSION} (running version: {PVE_VERSION}/lab)\n",
        "timedatectl": "0\nyes\n",
        "mokutil": "0\nSecureBoot disabled\n",
    }
    for name, text in answers.items():
        _write(tree / "answers" / name, text)
    if node.gpus:
        _write_driver(tree / "unloaded", node, release)
    for card in node.gpus:
        _write_card(tree, card)
    _write(tree / "etc" / "apt" / "sources.list.d" / "proxmox.sources", PACKAGE_SOURCE)
    for name in (
        "dev",
        "usr",
        "var",
        "run",
        *(f"etc/{part}" for part in ("modprobe.d", "pve", "provision", "systemd")),
    ):
        (tree / name).symlink_to(f"/{name}")
    own_facts(tree)


def own_facts(tree: Path) -> None:
    """They are the root's of the guest: the installer's stand-in changes them from inside."""
    for path in (tree, *tree.rglob("*")):
        os.chown(path, SUBID_START, SUBID_START, follow_symlinks=False)


def _write_driver(folder: Path, node: LabNode, release: str) -> None:
    text = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {ANY_VERSION}  simulated by the lab\n"
    _write(folder / "proc" / "driver" / "nvidia" / "version", text)
    _write(folder / "proc" / "modules", "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 1 - Live 0x0\n")
    _write(folder / "answers" / "dkms", f"0\nnvidia/{ANY_VERSION}, {release}, x86_64: installed\n")
    for card in node.gpus:
        told = f"Model: \t\t {card.name}\nGPU UUID: \t {card.uuid}\nDevice Minor: \t {card.index}\n"
        _write(folder / "proc" / "driver" / "nvidia" / "gpus" / pci_path(card) / "information", told)
        bound = folder / "sys" / "bus" / "pci" / "devices" / pci_path(card) / "driver"
        bound.parent.mkdir(parents=True)
        bound.symlink_to("../../drivers/nvidia")


def _write_card(tree: Path, card: SimulatedGpu) -> None:
    folder = tree / "sys" / "bus" / "pci" / "devices" / pci_path(card)
    _write(folder / "vendor", "0x10de\n")
    _write(folder / "device", f"{DEVICE_ID}\n")
    _write(folder / "class", "0x030000\n")


def pci_path(card: SimulatedGpu) -> str:
    """NVML writes the PCI domain with eight digits, the kernel with four."""
    return card.pci_address.lower()[-12:]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
