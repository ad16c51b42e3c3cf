"""The guest that stands for a Proxmox node: its commands, and what it says of kernel, driver and cards."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from provision.lab.guest_files import environment_file, place
from provision.lab.kernel import TREE
from provision.lab.places import guest_home
from provision.lab.pve.process import PORT, ApiFiles
from provision.models.lab import NODE_NAME, LabNode

PROGRAM = Path(__file__).with_name("node_command.py")
PCT = "/usr/sbin/pct"
"""The one command that is called by its path (roles/proxmox_node)."""
COMMANDS = (
    "qm",
    "pvesh",
    "pvesm",
    "pveam",
    "pveum",
    "pveversion",
    "mokutil",
    "dkms",
    "proxmox-boot-tool",
    "timedatectl",
)
DRIVER_COMMANDS = ("nvidia-modprobe", "nvidia-persistenced", "nvidia-smi", "modprobe", "update-initramfs")
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
    _make_folders(
        root,
        "/etc/pve/nodes/pve/lxc",
        "/etc/pve/nodes/pve/qemu-server",
        "/var/lib/vz/template/cache",
        "/var/lib/vz/import",
    )


def _make_folders(root: Path, *paths: str) -> None:
    for path in paths:
        folder = root / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
