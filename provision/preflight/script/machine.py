"""The node as a machine: kernels, NVIDIA driver and cards, packages, clock."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from provision.preflight.script.reading import Unread, first, named, place, read, run

OURS = ("usr/local/sbin/provision-*", "etc/provision/*", "etc/systemd/system/provision-*", "etc/modprobe.d/provision-*")
"""What provision puts on a node, as patterns below the root."""


def release() -> str:
    """What uname tells, from where the rest of the kernel's facts is read."""
    told = place("/proc/sys/kernel/osrelease")
    return told.read_text().strip() if told.exists() else os.uname().release


def kernels() -> list[dict[str, Any]]:
    releases = sorted(image.name[len("vmlinuz-") :] for image in place("/boot").glob("vmlinuz-*"))
    return [{"release": name, "headers": place(f"/lib/modules/{name}/build").exists()} for name in releases]


def pinned_kernel() -> str | None:
    pins = [path for path in ("/etc/kernel/next-boot-pin", "/etc/kernel/proxmox-boot-pin") if place(path).exists()]
    return read(pins[0]).strip() if pins else None


def header_packages() -> list[str]:
    listed = run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n").splitlines()
    names = [line.split()[0] for line in listed if line.endswith(" installed")]
    return [name for name in names if re.match(r"(proxmox|pve)-(default-)?headers|linux-headers", name)]


def available_headers() -> list[str]:
    # Without these two settings apt-cache, run by root, would write its cache anew.
    settings = ("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=")
    return sorted(run("apt-cache", *settings, "pkgnames", "proxmox-headers-").split())


def secure_boot() -> bool:
    if not place("/sys/firmware/efi").exists():
        return False
    variable = place("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
    if variable.exists():
        return variable.read_bytes()[4:5] == b"\x01"
    return "enabled" in run("mokutil", "--sb-state")


def signing_key() -> str | None:
    if not place("/var/lib/dkms/mok.pub").exists():
        return "absent"
    # mokutil(1) ends with 1 for a key that is enrolled.
    said = run("mokutil", "--test-key", "/var/lib/dkms/mok.pub", codes=(0, 1))
    for words, answer in (("is already enrolled", "enrolled"), ("is not enrolled", "not enrolled")):
        if words in said:
            return answer
    raise Unread(f"mokutil --test-key answered: {said.strip()[:200]}")


def modules() -> list[str]:
    return sorted(re.findall(r"^((?:nouveau|nvidia|vfio)\S*)", read("/proc/modules"), re.MULTILINE))


def blacklisted() -> list[str]:
    folders = ("/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d")
    text = "\n".join(path.read_text(errors="replace") for folder in folders for path in place(folder).glob("*.conf"))
    options = re.findall(r"\b(?:modprobe\.blacklist|module_blacklist)=(\S+)", read("/proc/cmdline"))
    named = [name for value in options for name in value.split(",")]
    return sorted({*named, *re.findall(r"^\s*blacklist\s+(\S+)", text, re.MULTILINE)})


def cards() -> list[dict[str, Any]]:
    folder = place("/sys/bus/pci/devices")
    if not folder.exists():
        raise Unread("/sys/bus/pci/devices is missing")
    return [card for card in map(card_at, sorted(folder.iterdir())) if card]


def card_at(path: Path) -> dict[str, Any] | None:
    vendor, device, kind = [(path / name).read_text().strip()[2:] for name in ("vendor", "device", "class")]
    if vendor != "10de" or not kind.startswith("03"):
        return None
    bound, said = path / "driver", f"/proc/driver/nvidia/gpus/{path.name}/information"
    told = read(said) if place(said).exists() else ""
    return {
        "address": path.name,
        "device": f"{vendor}:{device}",
        "driver": bound.readlink().name if bound.is_symlink() else None,
        "model": first(r"^Model:\s*(.*\S)", told),
        "uuid": first(r"^GPU UUID:\s*(GPU-[0-9a-f-]+)$", told.replace("\t", " ")),
        "minor": int(minor) if (minor := first(r"^Device Minor:\s*(\d+)", told)) else None,
    }


def installed() -> dict[str, str]:
    found = [path for pattern in OURS for path in place("/").glob(pattern)]
    return {named(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found) if path.is_file()}


def device_nodes() -> list[str]:
    found = [*place("/dev").glob("nvidia*"), *place("/dev/nvidia-caps").glob("*")]
    return sorted(named(path) for path in found if not path.is_dir())


def driver() -> str | None:
    if not place("/proc/driver/nvidia/version").exists():
        return None
    # 'UNIX x86_64 Kernel Module  550.54.14' and 'UNIX Open Kernel Module for x86_64  590.48.01'
    version = first(r"Kernel Module\s+(?:for \S+\s+)?(\d+\.\d+(?:\.\d+)?)", read("/proc/driver/nvidia/version"))
    if not version:
        raise Unread("/proc/driver/nvidia/version does not name a version")
    return version


def dkms() -> list[dict[str, Any]]:
    found = []
    for line in run("dkms", "status").splitlines():
        # 'nvidia/580.142, 6.17.2-1-pve, x86_64: installed', 'nvidia/580.142: added', and 'nvidia, 580.142, …' of old
        head, _, state = line.partition(": ")
        words = re.split(r"/|, ", head)
        if words[0].startswith("nvidia") and len(words) > 1:
            kernel = words[2] if len(words) > 2 else None
            found.append({"name": words[0], "version": words[1], "kernel": kernel, "state": state.split(" ")[0]})
    return found


def memory_mib() -> int:
    return int(first(r"^MemTotal:\s+(\d+) kB", read("/proc/meminfo")) or "") // 1024


def addresses() -> list[str]:
    links = json.loads(run("ip", "-json", "-4", "address", "show"))
    return sorted(entry["local"] for link in links for entry in link.get("addr_info", []))


def clock_synchronised() -> bool:
    return run("timedatectl", "show", "--property=NTPSynchronized", "--value").strip() == "yes"


def holders() -> list[dict[str, Any]]:
    processes = [path for path in place("/proc").iterdir() if path.name.isdigit()]
    return [held for path in sorted(processes, key=lambda path: int(path.name)) if (held := holder_at(path))]


def holder_at(process: Path) -> dict[str, Any] | None:
    try:
        if not any(str(link.readlink()).startswith("/dev/nvidia") for link in (process / "fd").iterdir()):
            return None
        guest = first(r"/(?:lxc/|qemu\.slice/)(\d+)", (process / "cgroup").read_text())
        unit = unit_of(process)
        name = (process / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None  # it ended meanwhile
    return {"pid": int(process.name), "name": name, "guest": int(guest) if guest else None, "unit": unit}


def unit_of(process: Path) -> str | None:
    """'0::/system.slice/system-llama\\x2dcpp.slice/llama-cpp@chat.service' → 'llama-cpp@chat.service'."""
    return first(r"/([^/]+\.service)(?:/|$)", (process / "cgroup").read_text())
