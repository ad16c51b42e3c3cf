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


def lab_template() -> tuple[Path, str]:
    """The file and its sha512 (hex)."""
    text = f"stand-in of the lab for a Debian 12 template; guests start from {ensure_rootfs().name}\n"
    path = find_cache() / "rootfs" / FILE
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path, hashlib.sha512(text.encode()).hexdigest()
