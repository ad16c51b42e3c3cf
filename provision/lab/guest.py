"""One unprivileged guest: made, started, stopped, destroyed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from threading import Event

from provision.errors import SetupError
from provision.lab.commands import run, succeeds
from provision.lab.devices import make_nodes
from provision.lab.guest_config import render_config, veth_name
from provision.lab.guest_files import write_guest_files
from provision.lab.keys import public_half
from provision.lab.network import bridge_name
from provision.lab.places import container_name, guest_home, guests_home, host_key, private_key
from provision.lab.plain_host import write_plain_host
from provision.lab.remains import clear_remains, unmount_below
from provision.lab.unpacking import unpack_root
from provision.models.lab import LabGuest, LabSpec

SHAPE_FILE = "shape.json"
CREATION_VERSION = 1


def create_guest(spec: LabSpec, guest: LabGuest, tar: Path, stop: Event) -> None:
    """Unpack and configure a guest. Its shape file is written last: without one, a guest is half-made."""
    destroy_guest(spec.name, guest.name)
    home = guest_home(spec.name, guest.name)
    home.mkdir(parents=True)
    rootfs = home / "rootfs"
    unpack_root(tar, rootfs, stop)
    write_guest_files(spec, guest, rootfs)
    if guest.plain_host:
        write_plain_host(guest, rootfs)
    devices = make_nodes(home / "devices", rootfs, guest) if guest.gpus else ()
    (home / "config").write_text(render_config(spec, guest, devices))
    (home / SHAPE_FILE).write_text(shape_of(spec, guest))


def has_shape(spec: LabSpec, guest: LabGuest) -> bool:
    """Whether the guest was made completely, and as `spec` asks for it."""
    path = guest_home(spec.name, guest.name) / SHAPE_FILE
    return path.is_file() and path.read_text() == shape_of(spec, guest)


def shape_of(spec: LabSpec, guest: LabGuest) -> str:
    """All that, when changed, makes the guest another one: its own entry, the network, its peers, the keys."""
    keys = public_half(private_key(spec.name)) + public_half(host_key(spec.name, guest.name))
    shape = {
        "creation": CREATION_VERSION,
        "guest": guest.model_dump(mode="json", exclude_defaults=True),
        "network": str(spec.network),
        "keys": hashlib.sha256(keys.encode()).hexdigest(),
    }
    return json.dumps(shape, sort_keys=True, indent=1) + "\n"


def start_guest(lab: str, guest: str) -> None:
    """Start the guest; returns once its init runs. Raises SetupError with LXC's own words."""
    clear_remains(lab, guest)
    _remove_cable(lab, guest)
    log = guest_home(lab, guest) / "lxc.log"
    log.unlink(missing_ok=True)
    try:
        run([*_lxc("lxc-start", lab, guest), "-o", str(log), "-l", "WARN"], hint="", timeout_s=120)
    except SetupError as error:
        told = [line for line in log.read_text(errors="replace").splitlines() if " ERROR " in line][:4]
        raise SetupError(
            f"guest {guest} does not start: {'; '.join(line.split(' - ', 1)[-1] for line in told)}",
            where=f"the whole log is {log}",
            hint="every folder above the guests must be enterable for others (chmod o+x)",
        ) from error


def stop_guest(lab: str, guest: str, *, grace_s: int = 15) -> None:
    """Shut the guest down, killing what is left after `grace_s` seconds; 0 kills at once."""
    if is_running(lab, guest):
        how = ["-t", str(grace_s)] if grace_s else ["-k"]
        succeeds([*_lxc("lxc-stop", lab, guest), *how])
    clear_remains(lab, guest)


def destroy_guest(lab: str, guest: str) -> None:
    """Leave no process, mount, control group or folder of the guest, whatever state it is in."""
    home = guest_home(lab, guest)
    if home.exists() and is_running(lab, guest):
        succeeds([*_lxc("lxc-stop", lab, guest), "-k"])
    clear_remains(lab, guest)
    _remove_cable(lab, guest)
    unmount_below(home)
    if home.exists():
        shutil.rmtree(home)


def _remove_cable(lab: str, guest: str) -> None:
    """The host's end of a dead guest's cable goes with its network namespace, but only some time later."""
    cable = veth_name(lab, guest)
    if Path("/sys/class/net", cable).exists():
        succeeds(["ip", "link", "delete", "dev", cable])


def is_running(lab: str, guest: str) -> bool:
    if not (guest_home(lab, guest) / "config").exists():
        return False
    state = run([*_lxc("lxc-info", lab, guest), "-s", "-H"], hint="check lxc")
    return state.strip() == "RUNNING"


def plug_in(lab: str, guest: str) -> None:
    """Put a running guest's cable back into the bridge, should the bridge have been made anew."""
    run(
        ["ip", "link", "set", "dev", veth_name(lab, guest), "master", bridge_name(lab)],
        hint="destroy the lab and make it again",
    )


def _lxc(command: str, lab: str, guest: str) -> list[str]:
    return [command, "-P", str(guests_home(lab)), "-n", container_name(lab, guest)]
