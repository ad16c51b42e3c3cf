"""What the lab's API calls when a container starts, stops or goes: the real guest of this machine follows.

`python -m provision.lab.pve.hook LAB start|stop|kill|destroy|hostkey|devices`, a JSON document on standard input. A
failure is one line on standard error and becomes the error of the task, in Proxmox's words where Proxmox has some.
"""

from __future__ import annotations

import json
import sys
from threading import Event
from typing import Any

from provision.errors import ErrorGroup, ProvisionError
from provision.lab import guest as guests
from provision.lab.devices import place_devices
from provision.lab.guest_config import render_config
from provision.lab.guest_files import place
from provision.lab.keys import ensure_keys, public_half
from provision.lab.locks import lab_lock
from provision.lab.places import guest_home, host_key
from provision.lab.pve.configuration import address_of, devices_of
from provision.lab.pve.node_devices import find_nodes, make_nodes
from provision.lab.records import read_spec, write_spec
from provision.lab.rootfs import ensure_rootfs
from provision.lab.simulation import ensure_guest_simulation
from provision.models.lab import LabGuest, LabSpec


def main() -> int:
    lab, verb = sys.argv[1:]
    document = json.load(sys.stdin)
    try:
        print(_VERBS[verb](lab, document) or "", end="")
    except (ProvisionError, ErrorGroup) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 1
    return 0


def start(lab: str, document: dict[str, Any]) -> None:
    """Make the guest where it is not there, give it the devices of its configuration, start it.

    Raises LookupError in Proxmox's words (PVE::Tools, get_device_mode_and_rdev) when the node lacks a device.
    """
    config = document["config"]
    devices = devices_of(config, find_nodes(lab))
    guest = LabGuest(name=config["hostname"], address=address_of(config))
    spec = _register(lab, guest)
    if not guests.has_shape(spec, guest):
        guests.create_guest(spec, guest, ensure_rootfs(), Event())
    home = guest_home(lab, guest.name)
    place(home / "rootfs", "/root/.ssh/authorized_keys", document["keys"], 0o600)
    nodes = place_devices(home / "devices", devices)
    (home / "config").write_text(render_config(spec, guest, nodes))
    ensure_guest_simulation(spec, guest)
    guests.start_guest(lab, guest.name)


def stop(lab: str, document: dict[str, Any]) -> None:
    guests.stop_guest(lab, document["config"]["hostname"])


def kill(lab: str, document: dict[str, Any]) -> None:
    guests.stop_guest(lab, document["config"]["hostname"], grace_s=0)


def destroy(lab: str, document: dict[str, Any]) -> None:
    name = document["config"]["hostname"]
    guests.destroy_guest(lab, name)
    with lab_lock(lab):
        spec = read_spec(lab)
        kept = tuple(guest for guest in spec.guests if guest.name != name)
        write_spec(spec.model_copy(update={"guests": kept}))


def hostkey(lab: str, document: dict[str, Any]) -> str:
    """The guest's public host key, as `pct exec ID -- cat` gives it."""
    return public_half(host_key(lab, document["config"]["hostname"]))


def devices(lab: str, document: dict[str, Any]) -> None:
    make_nodes(lab, tuple(document["nodes"]))


def _register(lab: str, guest: LabGuest) -> LabSpec:
    """Note the guest in the lab's record before it is made, so that whatever a kill leaves is found."""
    with lab_lock(lab):
        spec = read_spec(lab)
        others = tuple(known for known in spec.guests if known.name != guest.name)
        spec = LabSpec.model_validate({**dict(spec), "guests": (*others, guest)})
        write_spec(spec)
        ensure_keys(spec)
        return spec


_VERBS = {"start": start, "stop": stop, "kill": kill, "destroy": destroy, "hostkey": hostkey, "devices": devices}

if __name__ == "__main__":
    sys.exit(main())
