"""The machine itself: name, system, memory, disk."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from probe_parts.told import MIB, Json, describe, read_boot_id


def observe_machine() -> Json:
    facts: Json = {"hostname": socket.gethostname(), "kernel": os.uname().release, "error": None}
    facts["os"] = facts["boot_id"] = facts["uptime_s"] = None
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
        match = re.search(r'^PRETTY_NAME="?([^"\n]*)', release, re.MULTILINE)
        facts["os"] = match[1] if match else None
        facts["boot_id"] = read_boot_id()
        facts["uptime_s"] = float(Path("/proc/uptime").read_text().split()[0])
    except Exception as error:
        facts["error"] = describe(error)
    return facts


def observe_memory() -> Json:
    found: Json = {"total_mib": None, "available_mib": None, "swap_total_mib": None, "error": None}
    names = {"MemTotal": "total_mib", "MemAvailable": "available_mib", "SwapTotal": "swap_total_mib"}
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key in names:
                found[names[key]] = int(value.split()[0]) >> 10
    except Exception as error:
        found["error"] = describe(error)
    found["limit_mib"] = read_memory_limit()
    return found


def read_memory_limit() -> int | None:
    """The control group's own limit in MiB: version 2 says 'max' for none, version 1 a number beyond all memory."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        return int(text) // MIB if text.isdigit() and int(text) < 1 << 60 else None
    return None


def observe_disk(path: str) -> Json:
    try:
        status = os.statvfs(path)
    except OSError as error:
        return {"path": path, "error": describe(error)}
    total, free = status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize
    return {"path": path, "total_mib": total // MIB, "free_mib": free // MIB, "error": None}
