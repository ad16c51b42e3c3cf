"""What a plain host is asked beyond a node: its system, whose driver it has, disk, ports."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from provision.preflight.script.machine import unit_of
from provision.preflight.script.reading import first, named, place, read, run

NOTE = "/var/lib/provision/nvidia/installed"
"""Written by roles/nvidia_host once it installed a driver."""
MODULE_PACKAGES = (
    r"nvidia-(driver|headless|kernel|open|dkms|legacy)\S*|linux-(modules|objects)-nvidia\S*|cuda-drivers\S*"
)
"""Debian's, Ubuntu's and NVIDIA's own packages that bring the kernel module."""


def distribution() -> str:
    text = read("/etc/os-release")
    values = [first(rf'^{key}="?([^"\n]*)"?$', text) or "" for key in ("ID", "VERSION_ID")]
    return " ".join(values).strip()


def driver_noted() -> str | None:
    return read(NOTE).strip() if place(NOTE).exists() else None


def driver_packages() -> list[str]:
    listed = run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n").splitlines()
    names = [line.split()[0] for line in listed if line.endswith(" installed")]
    return [name for name in names if re.fullmatch(MODULE_PACKAGES, name)]


def disk() -> dict[str, int]:
    found = os.statvfs(place("/var/lib") if place("/var/lib").exists() else place("/"))
    return {
        "total_mib": found.f_blocks * found.f_frsize // 2**20,
        "free_mib": found.f_bavail * found.f_frsize // 2**20,
    }


def disks() -> list[dict[str, Any]]:
    """Whole disks that can be written; `holds` is what lsblk knows to be on them."""
    names = "NAME,TYPE,SIZE,RO,FSTYPE,PTTYPE,LABEL,MOUNTPOINTS"
    listed = json.loads(run("lsblk", "--json", "--bytes", "--paths", "--output", names))["blockdevices"]
    links = {path.resolve(): named(path) for path in sorted(place("/dev/disk").glob("by-id/*"))}
    return [
        {
            "path": disk["name"],
            "alias": links.get(place(disk["name"])),
            "size_mib": int(disk["size"]) // 2**20,
            "holds": holds(disk),
            "label": disk["label"],
        }
        for disk in listed
        if disk["type"] == "disk" and disk["size"] and not disk["ro"]
    ]


def holds(disk: dict[str, Any]) -> list[str]:
    mounted = [f"mounted at {path}" for path in disk["mountpoints"] or () if path]
    parts = [child["name"] for child in disk.get("children", ())]
    return [*parts, *(disk[key] for key in ("pttype", "fstype") if disk[key]), *mounted]


def listeners() -> list[dict[str, Any]]:
    found = []
    for line in run("ss", "-H", "-t", "-l", "-n", "-p").splitlines():
        address, _, port = line.split()[3].rpartition(":")
        who = re.search(r'users:\(\("([^"]*)",pid=(\d+)', line)
        # The kernel's facts may lie elsewhere (in the lab), the processes that ss names do not.
        folders = (place(f"/proc/{who[2]}"), Path(f"/proc/{who[2]}")) if who else ()
        unit = next((unit_of(process) for process in folders if (process / "cgroup").exists()), None)
        found.append({"port": int(port), "address": address, "process": who[1] if who else None, "unit": unit})
    return sorted(found, key=lambda one: (one["port"], one["address"]))


def stands() -> bool:
    return place("/opt/provision-probe").exists()
