#!/usr/bin/python3
"""A host's scratch disk as the store of its models: `mount` at every boot, then `fetch` what is missing.

A provider empties such a disk when the host is stopped. It is formatted only where it is empty beyond doubt; every
other content than our own file system is refused and left as it is. Settings: /etc/provision/scratch.json.
Standard library only, on the host's own Python (3.11 on Debian 12).
"""

from __future__ import annotations

import grp
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SETTINGS = Path(os.environ.get("PROVISION_SCRATCH_SETTINGS", "/etc/provision/scratch.json"))
LABEL = "provision-models"
"""Of our file system; ext4 takes 16 characters."""
EDGE = 2**20
OPTIONS = "noatime,nodev,nosuid,noexec"
KINDS = ("disk", "loop")
"""What lsblk calls a whole device."""


ADVICE = (
    "Nothing on it was changed. Where nothing on it is needed, empty it yourself (wipefs --all, blkdiscard); or name "
    "another one in the profile: hardware.scratch"
)


class Refused(Exception):
    """The disk is left as it is; the message says why."""


class Failed(Exception):
    """A program did not do what it was asked; the message has its last words."""


@dataclass(frozen=True)
class Disk:
    """What is known of the device before anything is done to it."""

    kind: str
    mounted: tuple[str, ...]
    """Where it, or a part of it, is mounted."""
    parts: tuple[str, ...]
    """Partitions, volumes and whatever else the kernel has built on it."""
    signatures: tuple[str, ...]
    """Kinds of file systems, partition tables and the like that wipefs finds."""
    label: str
    """Of the file system on it; empty for none."""
    blank: bool
    """Whether its first and its last MiB hold nothing but zeros."""


def decide(device: str, disk: Disk, folder: str) -> Literal["keep", "mount", "format"]:
    """What is to be done. Raises Refused for everything that is neither ours nor empty beyond doubt."""
    if disk.kind not in KINDS:
        raise Refused(f"{device} is a {disk.kind or 'thing that lsblk does not know'}, and no whole disk")
    if disk.mounted:
        if folder in disk.mounted and disk.label == LABEL:
            return "keep"
        raise Refused(f"{device} is mounted at {', '.join(disk.mounted)}")
    if disk.parts:
        raise Refused(f"{device} has {', '.join(disk.parts)} on it")
    if disk.signatures == ("ext4",) and disk.label == LABEL:
        return "mount"
    if disk.signatures:
        raise Refused(f"{device} holds {', '.join(disk.signatures)}{' ' + disk.label if disk.label else ''}")
    if not disk.blank:
        raise Refused(f"{device} has no signature, but is not empty: its first or last MiB is not zero")
    return "format"


def read_disk(device: str) -> Disk:
    """Raises Failed where there is no such block device."""
    columns = ("lsblk", "--json", "--paths", "--output", "NAME,TYPE,MOUNTPOINTS", device)
    (top,) = json.loads(run(*columns))["blockdevices"]
    below = list(children(top))
    mounts = [place for entry in (top, *below) for place in entry["mountpoints"] or () if place]
    found = json.loads(run("wipefs", "--no-act", "--json", device) or "{}").get("signatures") or []
    return Disk(
        kind=top["type"],
        mounted=tuple(mounts),
        parts=tuple(entry["name"] for entry in below),
        signatures=tuple(sorted({entry["type"] for entry in found})),
        label=next((entry["label"] for entry in found if entry.get("label")), ""),
        blank=is_blank(Path(device)),
    )


def children(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [found for child in entry.get("children", ()) for found in (child, *children(child))]


def is_blank(path: Path) -> bool:
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        for start in (0, max(0, size - EDGE)):
            stream.seek(start)
            if any(stream.read(EDGE)):
                return False
    return size > 0


def mount(settings: dict[str, Any]) -> None:
    """Raises Refused and Failed."""
    device, folder = settings["device"], settings["folder"]
    step = decide(device, read_disk(device), folder)
    if step == "format":
        print(f"{device} is empty: making a file system for models on it", flush=True)
        run("mkfs.ext4", "-q", "-L", LABEL, "-m", "0", device)
    if step != "keep":
        Path(folder).mkdir(mode=0o755, parents=True, exist_ok=True)
        run("mount", "-t", "ext4", "-o", OPTIONS, device, folder)
    for store in settings["stores"]:
        own = Path(folder) / store["name"]
        own.mkdir(mode=0o750, exist_ok=True)
        target = Path(store["path"])
        target.mkdir(mode=0o750, parents=True, exist_ok=True)
        if not target.samefile(own):
            run("mount", "--bind", str(own), str(target))


def fetch(settings: dict[str, Any]) -> None:
    """Every file that is not there, by its sha256; then the units that serve them start again. Raises Failed."""
    from provision_fetch import FetchError, is_recorded, obtain

    for store in settings["stores"]:
        try:
            group = grp.getgrnam(store["group"]).gr_gid
        except KeyError:
            print(f"{store['name']} is not installed yet: its role fetches the files")
            continue
        missing = [
            file for file in store["files"] if not is_recorded(Path(store["path"], file["file"]), file["sha256"])
        ]
        for file in missing:
            path = Path(store["path"], file["file"])
            print(f"fetching {path}", flush=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                obtain(file, path)
            except FetchError as error:
                raise Failed(str(error)) from None
            for one, mode in ((Path(store["path"]), 0o750), (path.parent, 0o750), (path, 0o640)):
                os.chown(one, 0, group)
                one.chmod(mode)
        for unit in store["units"] if missing else ():
            run("systemctl", "reset-failed", unit)
            run("systemctl", "--no-block", "restart", unit)


def run(*argv: str) -> str:
    """Raises Failed."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"'{' '.join(argv)}' ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    verb = {"mount": mount, "fetch": fetch}[sys.argv[1]]
    try:
        verb(json.loads(SETTINGS.read_text(encoding="utf-8")))
    except Refused as error:
        sys.exit(f"{error}. {ADVICE}")
    except Failed as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
