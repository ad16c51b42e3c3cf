"""What the lab's node says of itself beyond kernel, driver and cards (provision/lab/kernel.py)."""

from __future__ import annotations

import os

from provision.lab.kernel import own_facts, write_fact, write_kernel
from provision.lab.places import node_tree
from provision.models.lab import LabNode

PVE_VERSION = "9.1.1"
"""What the lab's node says it is; the newest that domain.md names a package version of."""

PACKAGE_SOURCE = """Types: deb
URIs: http://download.proxmox.com/debian/pve
Suites: trixie
Components: pve-no-subscription
"""
"""Only shown to the preflight; the lab's node gets packages from where this machine gets them."""

REAL = ("dev", "usr", "var", "run", "etc/modprobe.d", "etc/pve", "etc/provision", "etc/systemd")
"""What the preflight reads of the guest itself."""


def write_facts(lab: str, node: LabNode) -> None:
    """What the node says of itself, written anew: fresh from Proxmox's installer, without an NVIDIA driver."""
    tree = node_tree(lab)
    write_kernel(tree, node.gpus, os.uname().release, REAL)
    answers = {
        "pveversion": f"0\npve-manager: {PVE_VERSION} (running version: {PVE_VERSION}/lab)\n",
        "timedatectl": "0\nyes\n",
        "mokutil": "0\nSecureBoot disabled\n",
    }
    for name, text in answers.items():
        write_fact(tree / "answers" / name, text)
    write_fact(tree / "etc" / "apt" / "sources.list.d" / "proxmox.sources", PACKAGE_SOURCE)
    own_facts(tree)
