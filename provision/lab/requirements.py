"""What this machine lacks to run a lab, each with the package that brings it."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from provision.errors import ErrorGroup, ProvisionError, SetupError

# command -> Debian and Ubuntu package that carries it (dpkg -S on Debian 12).
COMMANDS = {
    "lxc-start": "lxc",
    "lxc-stop": "lxc",
    "lxc-info": "lxc",
    "lxc-usernsexec": "lxc",
    "newuidmap": "uidmap",
    "newgidmap": "uidmap",
    "openssl": "openssl",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "tar": "tar",
    "zstd": "zstd",
}
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Root's; an ordinary user's lacks the sbin folders."""
SUBID_START = 100000
SUBID_COUNT = 65536
SUBID_LINE = f"root:{SUBID_START}:{SUBID_COUNT}"
SUBID_FILES = (Path("/etc/subuid"), Path("/etc/subgid"))


def missing_requirements() -> list[ProvisionError]:
    """Everything that stands between this machine and a lab; empty when a lab can run.

    To root, absent subordinate ids are no obstacle: `ensure_lab` adds them.
    """
    problems = _wrong_system()
    if problems:
        return problems
    if os.geteuid() == 0:
        return _missing_commands()
    not_root = SetupError(
        "a lab needs root: it makes guests, a bridge and firewall rules",
        where=f"this process runs as uid {os.geteuid()}",
        hint="run the same command with sudo; plan, fit and render need no root",
    )
    return [not_root, *_missing_commands(), *_missing_subids()]


def require_lab() -> None:
    """Raise ErrorGroup with everything that `missing_requirements` finds."""
    problems = missing_requirements()
    if problems:
        raise ErrorGroup(problems)


def ensure_subids() -> None:
    """Give root the subordinate ids 100000-165535 in /etc/subuid and /etc/subgid, where the line is absent."""
    for path in SUBID_FILES:
        if _has_subids(path):
            continue
        text = path.read_text() if path.exists() else ""
        if text and not text.endswith("\n"):
            text += "\n"
        path.write_text(f"{text}{SUBID_LINE}\n")


def os_release(path: Path = Path("/etc/os-release")) -> dict[str, str]:
    """The fields of os-release(5)."""
    fields: dict[str, str] = {}
    if path.exists():
        for line in path.read_text().splitlines():
            key, separator, value = line.partition("=")
            if separator and not key.startswith("#"):
                fields[key.strip()] = value.strip().strip("\"'")
    return fields


def _wrong_system() -> list[ProvisionError]:
    release = os_release()
    family = release.get("ID", "an unnamed system")
    found = f"{family} on {platform.system()} {platform.machine()}"
    if platform.system() == "Linux" and platform.machine() == "x86_64" and family in {"debian", "ubuntu"}:
        return []
    return [
        SetupError(
            "a lab runs on Debian or Ubuntu Linux on x86_64 only",
            where=f"this machine is {found}",
            hint="use a Debian 12/13 or Ubuntu 24.04 machine; plan, fit and render work here too",
        )
    ]


def _missing_commands() -> list[ProvisionError]:
    return [
        SetupError(f"the command {command} is missing", where="this machine", hint=f"apt-get install --yes {package}")
        for command, package in COMMANDS.items()
        if shutil.which(command, path=SEARCH_PATH) is None
    ]


def _missing_subids() -> list[ProvisionError]:
    return [
        SetupError(
            "root has no subordinate ids for unprivileged guests",
            where=str(path),
            hint=f"add the line {SUBID_LINE} to {path}",
        )
        for path in SUBID_FILES
        if not _has_subids(path)
    ]


def _has_subids(path: Path) -> bool:
    """Whether a line of `path` gives root the whole range that the guests use."""
    if not path.exists():
        return False
    for line in path.read_text().splitlines():
        owner, _, numbers = line.strip().partition(":")
        start, _, count = numbers.partition(":")
        if owner not in {"root", "0"} or not start.isdigit() or not count.isdigit():
            continue
        if int(start) <= SUBID_START and int(start) + int(count) >= SUBID_START + SUBID_COUNT:
            return True
    return False
