"""What Proxmox VE says: version, storages, templates, guests, tasks, subscription."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from provision.preflight.script.reading import UNREAD, first, place, read, run, run_json


def pve() -> str | None:
    return first(r"^pve-manager: (\S+)", run("pveversion", "-v"))


def storage_rows(*content: str) -> list[list[str]]:
    """Name, type, status, total, used, available (KiB), percent."""
    return [line.split() for line in run("pvesm", "status", *content).splitlines()[1:] if len(line.split()) > 5]


def storages() -> list[dict[str, Any]]:
    rootdir = {row[0] for row in storage_rows("--content", "rootdir")}
    vztmpl = {row[0] for row in storage_rows("--content", "vztmpl")}
    return [
        {
            "name": row[0],
            "kind": row[1],
            "active": row[2] == "active",
            "available_mib": int(row[5]) // 1024 if row[5].isdigit() else 0,
            "rootdir": row[0] in rootdir,
            "vztmpl": row[0] in vztmpl,
        }
        for row in storage_rows()
    ]


def templates() -> list[str]:
    rows = storage_rows("--content", "vztmpl")
    names = [row[0] for row in rows if row[2] == "active" and re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", row[0])]
    return sorted(line.split()[0] for name in names for line in run("pveam", "list", name).splitlines()[1:] if line)


def template_sums() -> dict[str, str]:
    # A file of 120 MB takes less than half a second; only the names that a template can have.
    found = sorted(place("/var/lib/vz/template/cache").glob("*.tar.*"))
    return {path.name: hashlib.sha512(path.read_bytes()).hexdigest() for path in found}


def image_storages() -> dict[str, list[str]]:
    """Active storages for disks of VMs, and for images that such disks are made from, by content type."""
    found = {content: storage_rows("--content", content) for content in ("images", "import")}
    return {content: sorted(row[0] for row in rows if row[2] == "active") for content, rows in found.items()}


def image_sums() -> dict[str, str]:
    # 400 MB take a second or two.
    found = sorted(place("/var/lib/vz/import").glob("*.qcow2"))
    return {path.name: hashlib.sha512(path.read_bytes()).hexdigest() for path in found}


def guests() -> list[dict[str, Any]]:
    listed = run_json("pvesh", "get", "/cluster/resources", "--type", "vm")
    return [describe_guest(item) for item in sorted(listed, key=lambda item: item["vmid"])]


def describe_guest(item: dict[str, Any]) -> dict[str, Any]:
    config = guest_config(item)
    addresses = [value for key, value in config if re.fullmatch(r"(net|ipconfig)\d+", key)]
    return {
        "id": int(item["vmid"]),
        "kind": item["type"],
        "name": item.get("name", ""),
        "node": item["node"],
        "status": item.get("status", "unknown"),
        "lock": item.get("lock") or dict(config).get("lock"),
        "memory_mib": int(item.get("maxmem", 0)) // 2**20,
        "pool": item.get("pool"),
        "tags": sorted(filter(None, re.split(r"[;,\s]+", dict(config).get("tags", "")))),
        "addresses": [found for value in addresses for found in re.findall(r"\bip=([0-9.]+)", value)],
        "passed_through": [value for key, value in config if re.fullmatch(r"hostpci\d+", key)],
    }


def guest_config(item: dict[str, Any]) -> list[tuple[str, str]]:
    """Keys and values of the current configuration; what follows a '[' are snapshots."""
    folder = {"lxc": "lxc", "qemu": "qemu-server"}[item["type"]]
    try:
        text = read(f"/etc/pve/nodes/{item['node']}/{folder}/{int(item['vmid'])}.conf")
    except OSError as error:
        UNREAD["guest_configs"] = f"{error.strerror}: {error.filename}"
        return []
    current = re.split(r"^\[", text, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^([a-z]+\d*): (.*\S)", current, re.MULTILINE)


def tasks() -> list[dict[str, Any]]:
    listed = run_json("pvesh", "get", "/nodes/localhost/tasks", "--source", "active")
    running = [item for item in listed if not item.get("endtime")]
    return [{"kind": item["type"], "id": str(item.get("id") or ""), "user": item["user"]} for item in running]


def subscription() -> str:
    return str(run_json("pvesh", "get", "/nodes/localhost/subscription").get("status", "unknown")).lower()
