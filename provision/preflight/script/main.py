"""Ask for every fact, and print one JSON document."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from provision.preflight.script import host, machine, packages, proxmox
from provision.preflight.script.reading import UNREAD, Unread

FACTS: tuple[Callable[[], Any], ...] = (
    *(machine.kernels, machine.pinned_kernel, machine.header_packages, machine.available_headers),
    *(machine.secure_boot, machine.signing_key, machine.modules, machine.blacklisted, machine.cards),
    *(machine.device_nodes, machine.driver, machine.dkms, machine.memory_mib, machine.addresses),
    *(machine.clock_synchronised, machine.holders, machine.installed),
    *(host.distribution, host.driver_noted, host.driver_packages, host.disk, host.disks, host.listeners, host.stands),
    *(packages.repositories, packages.unattended, packages.held),
    *(
        proxmox.pve,
        proxmox.storages,
        proxmox.templates,
        proxmox.template_sums,
        proxmox.image_storages,
        proxmox.image_sums,
        proxmox.guests,
        proxmox.tasks,
        proxmox.subscription,
    ),
)


def observe() -> dict[str, Any]:
    UNREAD.clear()
    found: dict[str, Any] = {}
    for fact in FACTS:
        try:
            found[fact.__name__] = fact()
        except Unread as error:
            found[fact.__name__], UNREAD[fact.__name__] = None, str(error)
        except (OSError, LookupError, ValueError, TypeError, AttributeError) as error:
            found[fact.__name__], UNREAD[fact.__name__] = None, f"{type(error).__name__}: {error}"
    head = {"format": 1, "node": os.uname().nodename.split(".")[0], "uid": os.geteuid(), "kernel": machine.release()}
    return {**head, **found, "unread": dict(sorted(UNREAD.items()))}


def main() -> None:
    print(json.dumps(observe()))
