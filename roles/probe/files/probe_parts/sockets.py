"""Listening sockets and who holds them, from /proc."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Iterable  # noqa: UP035 (Python 3.9)

from probe_parts.told import Json, describe

PROC = Path("/proc")
LISTENING = {"tcp": "0A", "udp": "07"}


def observe_listeners() -> Json:
    try:
        found = [entry for name in ("tcp", "tcp6", "udp", "udp6") for entry in read_sockets(name)]
        owners = find_owners({inode for _, inode in found})
    except Exception as error:
        return {"sockets": [], "error": describe(error)}
    sockets = [{**listener, **owners.get(inode, {})} for listener, inode in found]
    return {"sockets": sorted(sockets, key=lambda s: (s["port"], s["protocol"], s["address"])), "error": None}


def read_sockets(name: str) -> Iterable[tuple[Json, str]]:
    """Listening sockets of one /proc/net table, each with its inode. A kernel without IPv6 has no such table."""
    path, protocol = PROC / "net" / name, name[:3]
    if not path.exists():
        return
    for line in path.read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTENING[protocol]:
            address, _, port = fields[1].partition(":")
            yield {"protocol": protocol, "address": decode_address(address), "port": int(port, 16)}, fields[9]


def decode_address(text: str) -> str:
    """The kernel prints addresses as 32-bit words in its own byte order."""
    words = [int(text[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(text), 8)]
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, b"".join(words))


def find_owners(inodes: set[str]) -> dict[str, Json]:
    """Socket inode -> process. Of several processes with one socket the oldest (lowest pid) is named."""
    owners: dict[str, Json] = {}
    for pid in sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()):
        folder = PROC / str(pid)
        try:
            links = [str(link.readlink()) for link in (folder / "fd").iterdir()]
        except OSError:
            continue
        held = {link[8:-1] for link in links if link.startswith("socket:[")} & (inodes - owners.keys())
        if held:
            owner = {"pid": pid, "process": read_name(folder), "unit": read_unit(folder)}
            owners.update(dict.fromkeys(held, owner))
    return owners


def read_name(folder: Path) -> str | None:
    try:
        return (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def read_unit(folder: Path) -> str | None:
    """The systemd unit of a process: the last part of its control group that names one."""
    try:
        lines = (folder / "cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        hierarchy, controllers, path = line.split(":", 2)
        if hierarchy == "0" or controllers == "name=systemd":
            named = [part for part in path.split("/") if part.endswith((".service", ".scope", ".socket"))]
            if named:
                return named[-1]
    return None
