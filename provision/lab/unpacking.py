"""A guest's root, unpacked from the cached root file system with shifted ids."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from threading import Event

from provision.errors import SetupError
from provision.lab.commands import mortal
from provision.lab.requirements import SUBID_COUNT, SUBID_START
from provision.lab.spreading import make_spread_folder

POLL_S = 0.05


def unpack_root(tar: Path, rootfs: Path, stop: Event) -> None:
    """Unpack in the guests' own user namespace: ids are shifted, and setuid bits and capabilities survive.

    File capabilities written there carry the namespace's root id, which is what the guest's kernel honours
    (capabilities(7), "Namespaced file capabilities"). Device nodes cannot be made there; LXC brings its own.
    Ends early when `stop` is set. Raises SetupError when the root is not whole.
    """
    make_spread_folder(rootfs)
    shutil.chown(rootfs, SUBID_START, SUBID_START)
    mapping = f"0:{SUBID_START}:{SUBID_COUNT}"
    command = [
        "lxc-usernsexec", "-m", f"u:{mapping}", "-m", f"g:{mapping}", "--",
        "tar", "--extract", "--file=-", "--preserve-permissions", "--numeric-owner",
        "--xattrs", "--xattrs-include=*", "--exclude=./dev/*", f"--directory={rootfs}",
    ]  # fmt: skip
    with (
        tar.open("rb") as source,
        subprocess.Popen(mortal(command), stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process,
    ):
        told = _watch(process, stop)
    if process.returncode != 0:
        raise SetupError(
            f"unpacking the root file system failed ({process.returncode}): {told.strip()[-500:]}",
            where=str(rootfs),
            hint="check the disk's room, /etc/subuid and that others may enter every folder above the guests",
        )


def _watch(process: subprocess.Popen[bytes], stop: Event) -> str:
    """What the process wrote to standard error until it ended, or until `stop` had it killed."""
    while True:
        try:
            _, told = process.communicate(timeout=POLL_S)
        except subprocess.TimeoutExpired:
            if stop.is_set():
                process.kill()
        else:
            return told.decode(errors="replace")
