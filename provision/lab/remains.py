"""What a guest may leave behind when its keeper was killed: processes, control groups, mounts.

All of it is found by name alone, in the kernel's own tables.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from provision.errors import SetupError
from provision.lab.commands import run
from provision.lab.places import container_name

CGROUP_HOME = Path("/sys/fs/cgroup")
DEATH_LIMIT_S = 10.0


def clear_remains(lab: str, guest: str) -> None:
    """Kill every process of the guest and remove its control groups."""
    name = container_name(lab, guest)
    deadline = time.monotonic() + DEATH_LIMIT_S
    while processes := list(processes_of(name)):
        for process in processes:
            _kill(process)
        if time.monotonic() > deadline:
            raise SetupError(
                f"processes of guest {guest} survive SIGKILL",
                where=f"pids {', '.join(map(str, processes))}",
                hint="they wait in the kernel; look at `ps -o pid,stat,wchan`, or restart the machine",
            )
        time.sleep(0.05)
    for group in _cgroups_of(name):
        _remove_cgroup(group)


def processes_of(container: str) -> Iterator[int]:
    """Processes in the guest's control groups, LXC's monitor of it (by its title), and LXC starting or stopping it."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            groups = (entry / "cgroup").read_text()
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
        except OSError:
            continue
        if (_names_cgroup(groups, container) or _is_keeper(words, container)) and not is_zombie(entry):
            yield int(entry.name)


def is_zombie(process: Path) -> bool:
    """Whether a /proc entry is of a process that has ended and is only its parent's to bury, or gone altogether."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True


def _is_keeper(words: list[str], container: str) -> bool:
    if words[:2] == ["[lxc", "monitor]"]:
        return words[-1] == container
    return container in words and Path(words[0]).name in {"lxc-start", "lxc-stop"}


def unmount_below(folder: Path) -> None:
    """Unmount everything at or below `folder`, deepest first, so that removing it cannot reach elsewhere."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted(points, key=len, reverse=True):
        if Path(point.replace("\\040", " ")).is_relative_to(folder):
            run(["umount", point.replace("\\040", " ")], hint="end the program that uses this mount")


def _names_cgroup(groups: str, container: str) -> bool:
    """LXC adds -1, -2 ... to the group of a container whose former group is still there."""
    for line in groups.splitlines():
        for part in line.split("/"):
            for kind in ("lxc.payload.", "lxc.monitor."):
                if _is_own(part, kind + container):
                    return True
    return False


def _is_own(part: str, wanted: str) -> bool:
    rest = part.removeprefix(wanted)
    return part.startswith(wanted) and (not rest or (rest[0] == "-" and rest[1:].isdigit()))


def _cgroups_of(container: str) -> list[Path]:
    found = [
        Path(folder) / name
        for folder, names, _ in os.walk(CGROUP_HOME)
        for name in names
        if any(_is_own(name, kind + container) for kind in ("lxc.payload.", "lxc.monitor."))
    ]
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def _remove_cgroup(group: Path) -> None:
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            Path(folder).rmdir()
        except OSError:
            time.sleep(0.05)
            Path(folder).rmdir()


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
