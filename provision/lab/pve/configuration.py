"""A container's configuration as Proxmox writes it, read as far as the lab follows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from provision.models.lab import LabDevice

DEVICE_KEY = re.compile(r"dev(\d+)")


def properties(value: str, default: str = "") -> dict[str, str]:
    """'name=eth0,ip=…' as a mapping; a part without '=' is the value of the key `default`."""
    found = {}
    for part in value.split(","):
        key, separator, text = part.partition("=")
        found[key if separator else default] = text if separator else part
    return found


def address_of(config: Mapping[str, Any]) -> IPv4Address:
    """Of net0. Raises LookupError for none: the lab has no DHCP."""
    given = properties(str(config.get("net0", ""))).get("ip", "")
    try:
        return IPv4Interface(given).ip
    except ValueError as error:
        raise LookupError(f"net0 has no static IPv4 address: {given!r}") from error


def devices_of(config: Mapping[str, Any], nodes: Mapping[str, tuple[int, int]]) -> tuple[LabDevice, ...]:
    """Every dev[n] with the numbers that the node's device has now (domain.md A1.6).

    `nodes`: name under /dev -> (major, minor) of what the lab's node has. Raises LookupError, as Proxmox ends the
    start, for a path that is not there. Defaults are Proxmox's: mode 0660, uid and gid 0 of the container (A1.3).
    """
    found = []
    for key in sorted((key for key in config if DEVICE_KEY.fullmatch(key)), key=lambda key: int(key[3:])):
        wanted = properties(str(config[key]), "path")
        name = wanted["path"].removeprefix("/dev/")
        if name not in nodes:
            raise LookupError(f"Device {wanted['path']} does not exist")
        major, minor = nodes[name]
        mode, uid, gid = int(wanted.get("mode", "0660"), 8), int(wanted.get("uid", 0)), int(wanted.get("gid", 0))
        found.append(LabDevice(name=name, major=major, minor=minor, mode=mode, uid=uid, gid=gid))
    return tuple(found)
