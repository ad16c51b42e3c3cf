"""What a guest that stands for a whole machine says of kernel, driver and cards: files in place of a kernel with
NVIDIA's driver. The preflight reads them below `TREE` of that guest, where PROVISION_NODE_ROOT points.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from provision.lab.requirements import SUBID_START
from provision.models.lab import SimulatedGpu

DEVICE_ID = "0x2684"
"""Of a GeForce RTX 4090 (AD102), what the lab's cards say whatever they are (pci.ids)."""
TREE = "/opt/lab-node"
ANY_VERSION = "@VERSION@"
"""Stands in `unloaded` for the version that an installer brings."""
VERSION_FILE = "proc/driver/nvidia/version"
RELEASE_FILE = "proc/sys/kernel/osrelease"


def loaded_version(tree: Path) -> str | None:
    """Full version of the simulated driver; None where none is loaded."""
    path = tree / VERSION_FILE
    found = re.search(r"x86_64\s+(\d+(?:\.\d+)+)", path.read_text()) if path.exists() else None
    return found[1] if found else None


def load_driver(tree: Path, version: str) -> None:
    """What the stand-in of NVIDIA's installer does, done from outside (provision/lab/pve/driver.py)."""
    shutil.copytree(tree / "unloaded", tree, symlinks=True, dirs_exist_ok=True)
    for path in (tree / VERSION_FILE, tree / "answers" / "dkms"):
        path.write_text(path.read_text().replace(ANY_VERSION, version))


def write_kernel(tree: Path, gpus: Sequence[SimulatedGpu], release: str, real: Sequence[str]) -> None:
    """The tree anew: kernel `release` with its headers, the cards, no NVIDIA driver. `real`: what is the guest's own.

    `unloaded` holds what the stand-in of NVIDIA's installer brings (provision/lab/pve/driver.py).
    """
    if tree.exists():
        shutil.rmtree(tree)
    write_fact(tree / "boot" / f"vmlinuz-{release}", "")
    write_fact(tree / "lib" / "modules" / release / "build" / "Makefile", "")
    write_fact(tree / "proc" / "modules", "")
    write_fact(tree / "proc" / "cmdline", "BOOT_IMAGE=lab\n")
    write_fact(tree / "proc" / "meminfo", f"MemTotal: {256 * 2**20} kB\n")
    write_fact(tree / RELEASE_FILE, f"{release}\n")
    (tree / "sys" / "bus" / "pci" / "devices").mkdir(parents=True)
    if gpus:
        _write_driver(tree / "unloaded", gpus, release)
    for card in gpus:
        _write_card(tree, card)
    for name in real:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(f"/{name}")


def own_facts(tree: Path) -> None:
    """They are the root's of the guest: the installer's stand-in changes them from inside."""
    for path in (tree, *tree.rglob("*")):
        os.chown(path, SUBID_START, SUBID_START, follow_symlinks=False)


def pci_path(card: SimulatedGpu) -> str:
    """NVML writes the PCI domain with eight digits, the kernel with four."""
    return card.pci_address.lower()[-12:]


def write_fact(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _write_driver(folder: Path, gpus: Sequence[SimulatedGpu], release: str) -> None:
    text = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {ANY_VERSION}  simulated by the lab\n"
    write_fact(folder / VERSION_FILE, text)
    write_fact(folder / "proc" / "modules", "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 1 - Live 0x0\n")
    write_fact(folder / "answers" / "dkms", f"0\nnvidia/{ANY_VERSION}, {release}, x86_64: installed\n")
    for card in gpus:
        told = f"Model: \t\t {card.name}\nGPU UUID: \t {card.uuid}\nDevice Minor: \t {card.index}\n"
        write_fact(folder / "proc" / "driver" / "nvidia" / "gpus" / pci_path(card) / "information", told)
        bound = folder / "sys" / "bus" / "pci" / "devices" / pci_path(card) / "driver"
        bound.parent.mkdir(parents=True)
        bound.symlink_to("../../drivers/nvidia")


def _write_card(tree: Path, card: SimulatedGpu) -> None:
    folder = tree / "sys" / "bus" / "pci" / "devices" / pci_path(card)
    write_fact(folder / "vendor", "0x10de\n")
    write_fact(folder / "device", f"{DEVICE_ID}\n")
    write_fact(folder / "class", "0x030000\n")
