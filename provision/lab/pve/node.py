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
DRIVER_COMMANDS = ("nvidia-modprobe", "nvidia-smi", "modprobe")
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
    _make_folders(root, "/etc/pve/nodes/pve/lxc", "/etc/pve/nodes/pve/qemu-server", "/var/lib/vz/template/cache")


def write_facts(lab: str, node: LabNode) -> None:
    """What the node says of itself, written anew: healthy."""
    tree = node_tree(lab)
    if tree.exists():
        shutil.rmtree(tree)
    release = os.uname().release
    _write(tree / "boot" / f"vmlinuz-{release}", "")
    _write(tree / "lib" / "modules" / release / "build" / "Makefile", "")
    _write(tree / "proc" / "modules", "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 1 - Live 0x0\n" if node.gpus else "")
    _write(tree / "proc" / "cmdline", "BOOT_IMAGE=lab\n")
    _write(tree / "proc" / "meminfo", f"MemTotal: {256 * 2**20} kB\n")
    (tree / "sys" / "bus" / "pci" / "devices").mkdir(parents=True)
    for card in node.gpus:
        _write_card(tree, card, driver="nvidia")
    if node.gpus:
        text = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {node.driver_version}  simulated by the lab\n"
        _write(tree / "proc" / "driver" / "nvidia" / "version", text)
    answers = {
        "pveversion": f"0\npve-manager: {PVE_VERSION} (running version: {PVE_VERSION}/lab)\n",
        "timedatectl": "0\nyes\n",
        "mokutil": "0\nSecureBoot disabled\n",
        "dkms": f"0\nnvidia/{node.driver_version}, {release}, x86_64: installed\n" if node.gpus else "0\n",
    }
    for name, text in answers.items():
        _write(tree / "answers" / name, text)
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


def _write_card(tree: Path, card: SimulatedGpu, driver: str) -> None:
    folder = tree / "sys" / "bus" / "pci" / "devices" / pci_path(card)
    _write(folder / "vendor", "0x10de\n")
    _write(folder / "device", f"{DEVICE_ID}\n")
    _write(folder / "class", "0x030000\n")
    (folder / "driver").symlink_to(f"../../drivers/{driver}")
    told = f"Model: \t\t {card.name}\nGPU UUID: \t {card.uuid}\nDevice Minor: \t {card.index}\n"
    _write(tree / "proc" / "driver" / "nvidia" / "gpus" / pci_path(card) / "information", told)


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
