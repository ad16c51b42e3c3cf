"""Device nodes of the lab's node: real char devices in the /dev of the guest that stands for it.

Its /dev is a memory file system made anew at every start, so a restart of the node loses them, as on a real one.
Only this machine's root may make them there, under the id that is the guest's root.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from provision.errors import SetupError
from provision.lab.commands import run
from provision.lab.devices import node_numbers, taken_majors
from provision.lab.places import container_name, guests_home
from provision.lab.records import read_spec
from provision.lab.requirements import SUBID_START
from provision.models.lab import NODE_NAME


def find_nodes(lab: str) -> dict[str, tuple[int, int]]:
    """Name under /dev -> (major, minor) of the char devices that the node has now."""
    folder = Path(f"/proc/{_init_of(lab)}/root/dev")
    found = {}
    for path in folder.glob("nvidia*"):
        status = path.lstat()
        if stat.S_ISCHR(status.st_mode):
            found[path.name] = (os.major(status.st_rdev), os.minor(status.st_rdev))
    return found


def make_nodes(lab: str, names: Sequence[str]) -> None:
    """Make the named ones where they are missing, of the cards that the node has. Other names are passed over."""
    node = read_spec(lab).node
    numbers = node_numbers(len(node.gpus) if node else 0, taken_majors())
    there, init = find_nodes(lab), _init_of(lab)
    for name in names:
        if name in there or name not in numbers:
            continue
        major, minor = numbers[name]
        # In the guest's own mounts, as its root's id, with the one right that this takes.
        enter = ["nsenter", "--target", str(init), "--mount", "--"]
        root = ["setpriv", "--reuid", str(SUBID_START), "--regid", str(SUBID_START), "--clear-groups"]
        rights = ["--inh-caps", "+mknod", "--ambient-caps", "+mknod"]
        command = f"umask 000; exec mknod /dev/{name} c {major} {minor}"
        run([*enter, *root, *rights, "sh", "-c", command], hint="is the lab's node running?")


def _init_of(lab: str) -> int:
    told = run(["lxc-info", "-P", str(guests_home(lab)), "-n", container_name(lab, NODE_NAME), "-p", "-H"], hint="")
    if not told.strip().isdigit():
        raise SetupError("the lab's node does not run", where=f"lab {lab}", hint="provision up --lab starts it")
    return int(told)
