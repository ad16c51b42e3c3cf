"""The guest that stands for a Proxmox node: its commands, and what it says of kernel, driver and cards."""

from __future__ import annotations

import os
import shutil
from ipaddress import IPv4Address
from pathlib import Path

from provision.lab.guest_files import environment_file, place
from provision.lab.places import guest_home, node_tree
from provision.lab.pve.process import PORT, ApiFiles
from provision.lab.requirements import SUBID_START
from provision.models.lab import NODE_NAME, LabNode, SimulatedGpu

PROGRAM = Path(__file__).with_name("node_command.py")
PCT = "/usr/sbin/pct"
"""The one command that is called by its path (roles/proxmox_node)."""
COMMANDS = ("pvesh", "pvesm", "pveam", "pveum", "pveversion", "mokutil", "dkms", "proxmox-boot-tool", "timedatectl")
DRIVER_COMMANDS = ("nvidia-modprobe", "nvidia-persistenced", "nvidia-smi", "modprobe", "update-initramfs")
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
REAL = ("dev", "usr", "var", "run", "etc/modprobe.d", "etc/pve", "etc/provision", "etc/systemd")
"""What the preflight reads of the guest itself."""
TREE = "/opt/lab-node"


PVE_GUESTS = """[Unit]
Description=PVE guests (stand-in of the lab)
After=network.target ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/pvesh create /nodes/localhost/startall

[Install]
WantedBy=multi-user.target
"""
"""Starts the guests with the node, as pve-manager's unit of that name does."""


def write_node(lab: str, node: LabNode, files: ApiFiles, gateway: IPv4Address) -> None:
    """Write everything that makes the guest a node; running or not, the same files again."""
    root = guest_home(lab, NODE_NAME) / "rootfs"
    commands = [f"/usr/local/sbin/{name}" for name in (*COMMANDS, *(DRIVER_COMMANDS if node.gpus else ()))]
    for path in (PCT, *commands):
        place(root, path, PROGRAM.read_text(), 0o755)
    place(root, "/etc/pve/lab-api-url", f"https://{gateway}:{PORT}\n", 0o644)
    place(root, "/etc/pve/pve-root-ca.pem", files.certificate.read_text(), 0o644)
    place(root, "/etc/pve/priv/lab-root-password", files.password.read_text(), 0o600)
    place(root, "/etc/environment", environment_file({"PROVISION_NODE_ROOT": TREE}), 0o644)
    place(root, "/etc/systemd/system/pve-guests.service", PVE_GUESTS, 0o644)
    wanted = root / "etc/systemd/system/multi-user.target.wants/pve-guests.service"
    if not wanted.is_symlink():
        wanted.symlink_to("/etc/systemd/system/pve-guests.service")
    _make_folders(root, "/etc/pve/nodes/pve/lxc", "/etc/pve/nodes/pve/qemu-server", "/var/lib/vz/template/cache")


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
    for path in (tree, *tree.rglob("*")):
        os.chown(path, SUBID_START, SUBID_START, follow_symlinks=False)


def _write_driver(folder: Path, node: LabNode, release: str) -> None:
    text = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {node.driver_version}  simulated by the lab\n"
    _write(folder / "proc" / "driver" / "nvidia" / "version", text)
    _write(folder / "proc" / "modules", "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 1 - Live 0x0\n")
    _write(folder / "answers" / "dkms", f"0\nnvidia/{node.driver_version}, {release}, x86_64: installed\n")
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


def _make_folders(root: Path, *paths: str) -> None:
    for path in paths:
        folder = root / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
