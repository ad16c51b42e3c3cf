"""A whole lab: made to match its spec, read, listed, destroyed.

The spec is written before the first resource is made and removed after the last is gone, and every resource has a
name that follows from it. So whatever a kill leaves can be finished or destroyed by the next call.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Literal

from provision.lab import guest as guests
from provision.lab.keys import ensure_keys
from provision.lab.locks import forget_run_home, lab_lock
from provision.lab.network import ensure_network, remove_network
from provision.lab.parallel import run_on_all
from provision.lab.places import api_home, lab_home, labs_home
from provision.lab.pve.process import ApiFiles, stop_api
from provision.lab.readiness import wait_answering, wait_started
from provision.lab.records import (
    guest_names,
    list_labs,
    open_home,
    read_lab,
    read_spec,
    recorded_names,
    recorded_spec,
    refuse_network_of_others,
    state_of,
    write_spec,
)
from provision.lab.requirements import ensure_subids, require_lab
from provision.lab.rootfs import ensure_rootfs
from provision.models.lab import LabGuest, LabHost, LabSpec, LabState

__all__ = ["Progress", "destroy_all_labs", "destroy_lab", "ensure_lab", "list_labs", "read_lab", "read_spec"]

Progress = Callable[[str], None]
Change = Literal["kept", "started", "made"]


def ensure_lab(spec: LabSpec, progress: Progress = lambda _: None, *, only: str | None = None) -> LabState:
    """Make the lab what `spec` says; what is already right is left as it is, running guests included.

    `only` names the one guest to bring up; the others belong to the lab and are somebody else's to start.
    Raises ErrorGroup when this machine lacks something, SetupError when a part cannot be made, UnreachableError
    when a guest does not come up.
    """
    if os.geteuid() == 0:
        ensure_subids()
    require_lab()
    with lab_lock(spec.name):
        open_home(spec.name)
        refuse_network_of_others(spec)
        _drop_unwanted(recorded_spec(spec.name), spec)
        write_spec(spec)
        ensure_keys(spec)
        wanted = [guest for guest in spec.guests if only in (None, guest.name)]
        unmade = [guest for guest in wanted if not guests.has_shape(spec, guest)]
        tar = ensure_rootfs(progress) if unmade else Path()
        ensure_network(spec.name, spec.network)
        state = state_of(spec)
        done = run_on_all(lambda guest, stop: _bring_up(spec, guest, tar, progress, stop), wanted, _processors())
        hosts = [host for host in state.hosts if only in (None, host.name)]
        changes = list(zip(hosts, done, strict=True))
        run_on_all(lambda change, stop: _await(spec.name, *change, stop), changes, len(changes))
        started = sum(change != "kept" for change in done)
        progress(f"lab {spec.name}: {len(wanted)} guests ready, {started} of them started now")
        return state


def destroy_lab(name: str, progress: Progress = lambda _: None) -> None:
    """Leave nothing of the lab: no guest, bridge, firewall table, mount, process or folder. Absent is fine."""
    stop_api(ApiFiles(api_home(name)))
    with lab_lock(name, forget=True):
        run_on_all(lambda guest, _: guests.destroy_guest(name, guest), guest_names(name), _processors())
        remove_network(name)
        if lab_home(name).exists():
            shutil.rmtree(lab_home(name))
            progress(f"lab {name}: gone")
        _remove_if_empty(labs_home())
    forget_run_home()


def destroy_all_labs(progress: Progress = lambda _: None) -> None:
    """`destroy_lab` for every lab under this `PROVISION_HOME`, half-made ones included."""
    for name in recorded_names():
        destroy_lab(name, progress)


def _bring_up(spec: LabSpec, guest: LabGuest, tar: Path, progress: Progress, stop: Event) -> Change:
    """Create and start one guest as far as it is not there."""
    change: Change = "started"
    if not guests.has_shape(spec, guest):
        progress(f"{guest.name}: making the guest")
        guests.create_guest(spec, guest, tar, stop)
        change = "made"
    elif guests.is_running(spec.name, guest.name):
        guests.plug_in(spec.name, guest.name)
        return "kept"
    progress(f"{guest.name}: starting at {guest.address}")
    guests.start_guest(spec.name, guest.name)
    return change


def _await(lab: str, host: LabHost, change: Change, stop: Event) -> None:
    if change == "kept":
        wait_answering(lab, host, stop)
    else:
        wait_started(lab, host, stop, fresh=change == "made")


def _drop_unwanted(former: LabSpec | None, spec: LabSpec) -> None:
    """Destroy guests that the new spec does not name; on another network, the old bridge goes too."""
    wanted = {guest.name for guest in spec.guests}
    for name in guest_names(spec.name):
        if name not in wanted:
            guests.destroy_guest(spec.name, name)
    if former is not None and former.network != spec.network:
        for name in guest_names(spec.name):
            guests.destroy_guest(spec.name, name)
        remove_network(spec.name)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _processors() -> int:
    return os.cpu_count() or 1
