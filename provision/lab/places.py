"""Where a lab keeps its state: every path follows from the names of lab and guest."""

from __future__ import annotations

import re
from pathlib import Path

from provision.errors import SetupError, UsageError
from provision.models.lab import LAB_NAME, NODE_NAME
from provision.places import find_home


def labs_home() -> Path:
    return find_home() / "labs"


def lab_home(lab: str) -> Path:
    """Raises UsageError for a name that no lab can have, so that none leads out of `labs_home`."""
    if not is_lab_name(lab):
        raise UsageError(
            f"'{lab}' cannot be a lab's name",
            where="the name of the lab",
            hint="small letters, digits and hyphens, a letter first, 40 characters at most",
        )
    return labs_home() / lab


def is_lab_name(name: str) -> bool:
    return len(name) <= 40 and re.fullmatch(LAB_NAME.strip("^$"), name) is not None


def spec_file(lab: str) -> Path:
    """The asked-for shape of a lab: written before any of its resources is made."""
    return lab_home(lab) / "spec.json"


def guests_home(lab: str) -> Path:
    """The lxcpath of a lab's guests."""
    return lab_home(lab) / "guests"


def guest_home(lab: str, guest: str) -> Path:
    return guests_home(lab) / container_name(lab, guest)


def container_name(lab: str, guest: str) -> str:
    """LXC's name of a guest; it carries the lab so that its control groups can be found by name alone.

    Names hold no dot (`provision.models.lab`), so the parts cannot be confused, nor can the last one with the
    `-1` that LXC appends to a control group whose name is still taken.
    """
    return f"{guest}.{lab}.provision"


def stand_in_recipe(artifact: str) -> Path:
    """The folder whose build.sh makes what the lab has in place of upstream's file. Raises SetupError for none."""
    folder = Path(__file__).parent / "stand_ins" / artifact
    if not folder.is_dir():
        raise SetupError(
            f"the lab has no stand-in for '{artifact}'", where=str(folder), hint="take the service out of the profile"
        )
    return folder


def private_key(lab: str) -> Path:
    return lab_home(lab) / "ssh" / "id_ed25519"


def known_hosts(lab: str) -> Path:
    return lab_home(lab) / "ssh" / "known_hosts"


def host_key(lab: str, guest: str) -> Path:
    return lab_home(lab) / "ssh" / "host-keys" / guest


def api_home(lab: str) -> Path:
    """What the lab's Proxmox API keeps: settings, certificate, state, log of requests."""
    return lab_home(lab) / "api"


def node_tree(lab: str) -> Path:
    """What the preflight reads of the lab's node in place of a kernel with NVIDIA's driver, below the node's root."""
    return guest_home(lab, NODE_NAME) / "rootfs" / "opt" / "lab-node"
