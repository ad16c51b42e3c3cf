"""What stands for the container template in the lab: a small file that names the root file system its guests get.

The upload and its checksum are real; a real template's 120 MB would be carried to no use, because every guest of the
lab starts from the one root file system.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from provision.lab.rootfs import ensure_rootfs
from provision.places import find_cache

FILE = "debian-12-standard_lab_amd64.tar.zst"
IMAGE_FILE = "debian-12-genericcloud-lab-amd64.qcow2"


def lab_template() -> tuple[Path, str]:
    """The file and its sha512 (hex)."""
    return _stand_in(FILE, "Debian 12 template")


def lab_image() -> tuple[Path, str]:
    """What stands for the cloud image of VMs, likewise: a VM of the lab is a container that stands in for one."""
    return _stand_in(IMAGE_FILE, "Debian 12 cloud image")


def _stand_in(name: str, what: str) -> tuple[Path, str]:
    text = f"stand-in of the lab for a {what}; guests start from {ensure_rootfs().name}\n"
    path = find_cache() / "rootfs" / name
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path, hashlib.sha512(text.encode()).hexdigest()
