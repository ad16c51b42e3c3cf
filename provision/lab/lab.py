"""A whole lab: made to match its spec, read, listed, destroyed.

The spec is written before the first resource is made and removed after the last is gone, and every resource has a
name that follows from it. So whatever a kill leaves can be finished or destroyed by the next call.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from provision.errors import SetupError
from provision.lab import guest as guests
from provision.lab.keys import ensure_keys
from provision.lab.locks import forget_run_home, lab_lock
from provision.lab.network import NetworkTakenError, bridge_name, ensure_network, gateway_of, remove_network
from provision.lab.places import guests_home, is_lab_name, known_hosts, lab_home, labs_home, private_key, spec_file
from provision.lab.readiness import wait_answering, wait_started
from provision.lab.requirements import ensure_subids, require_lab
from provision.lab.rootfs import ensure_rootfs
from provision.models.lab import LabGuest, LabHost, LabSpec, LabState

Progress = Callable[[str], None]
Change = Literal["kept", "started", "made"]


def ensure_lab(spec: LabSpec, progress: Progress = lambda _: None) -> LabState:
    """Make the lab what `spec` says; what is already right is left as it is, running guests included.

    Raises ErrorGroup when this machine lacks something, SetupError when a part cannot be made, UnreachableError
    when a guest does not come up.
    """
    ensure_subids_if_root()
    require_lab()
    with lab_lock(spec.name):
        _open_home(spec.name)
        _refuse_taken_by_labs(spec)
        former = _recorded_spec(spec.name)
        _drop_unwanted(former, spec)
        _write_spec(spec)
        ensure_keys(spec)
        unmade = [guest for guest in spec.guests if not guests.has_shape(spec, guest)]
        tar = ensure_rootfs(progress) if unmade else Path()
        ensure_network(spec.name, spec.network)
        state = state_of(spec)
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            done = list(pool.map(lambda guest: _bring_up(spec, guest, tar, progress), spec.guests))
        with ThreadPoolExecutor(max_workers=max(1, len(state.hosts))) as pool:
            list(pool.map(lambda host, change: _await(spec.name, host, change), state.hosts, done))
        started = sum(change != "kept" for change in done)
        progress(f"lab {spec.name}: {len(spec.guests)} guests ready, {started} of them started now")
        return state


def read_lab(name: str) -> LabState:
    """The lab as recorded on this machine. Raises SetupError when there is none of that name."""
    return state_of(read_spec(name))


def read_spec(name: str) -> LabSpec:
    """What the lab was last asked to be. Raises SetupError when there is none of that name."""
    spec = _recorded_spec(name)
    if spec is None:
        raise SetupError(
            f"there is no lab named {name}",
            where=str(labs_home()),
            hint=f"the labs here are: {', '.join(lab.name for lab in list_labs()) or 'none'}",
        )
    return spec


def list_labs() -> tuple[LabState, ...]:
    """Every lab recorded on this machine under this `PROVISION_HOME`, by name."""
    specs = (_recorded_spec(name) for name in _recorded_names())
    return tuple(state_of(spec) for spec in specs if spec is not None)


def destroy_lab(name: str, progress: Progress = lambda _: None) -> None:
    """Leave nothing of the lab: no guest, bridge, firewall table, mount, process or folder. Absent is fine."""
    lab_home(name)
    with lab_lock(name, forget=True):
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            list(pool.map(lambda guest: guests.destroy_guest(name, guest), _guest_names(name)))
        remove_network(name)
        if lab_home(name).exists():
            shutil.rmtree(lab_home(name))
            progress(f"lab {name}: gone")
        _remove_if_empty(labs_home())
    forget_run_home()


def destroy_all_labs(progress: Progress = lambda _: None) -> None:
    """`destroy_lab` for every lab under this `PROVISION_HOME`, half-made ones included."""
    for name in _recorded_names():
        destroy_lab(name, progress)


def state_of(spec: LabSpec) -> LabState:
    """Where everything of a lab is: it follows from the spec alone."""
    return LabState(
        name=spec.name,
        network=spec.network,
        gateway=gateway_of(spec.network),
        bridge=bridge_name(spec.name),
        hosts=tuple(
            LabHost(
                name=guest.name,
                address=guest.address,
                private_key=str(private_key(spec.name)),
                known_hosts=str(known_hosts(spec.name)),
            )
            for guest in spec.guests
        ),
    )


def _bring_up(spec: LabSpec, guest: LabGuest, tar: Path, progress: Progress) -> Change:
    """Create and start one guest as far as it is not there."""
    change: Change = "started"
    if not guests.has_shape(spec, guest):
        progress(f"{guest.name}: making the guest")
        guests.create_guest(spec, guest, tar)
        change = "made"
    elif guests.is_running(spec.name, guest.name):
        guests.plug_in(spec.name, guest.name)
        return "kept"
    progress(f"{guest.name}: starting at {guest.address}")
    guests.start_guest(spec.name, guest.name)
    return change


def _await(lab: str, host: LabHost, change: Change) -> None:
    if change == "kept":
        wait_answering(lab, host)
    else:
        wait_started(lab, host, fresh=change == "made")


def _drop_unwanted(former: LabSpec | None, spec: LabSpec) -> None:
    """Destroy guests that the new spec does not name; on another network, the old bridge goes too."""
    wanted = {guest.name for guest in spec.guests}
    for name in _guest_names(spec.name):
        if name not in wanted:
            guests.destroy_guest(spec.name, name)
    if former is not None and former.network != spec.network:
        for name in _guest_names(spec.name):
            guests.destroy_guest(spec.name, name)
        remove_network(spec.name)


def _guest_names(lab: str) -> list[str]:
    """Guests that the lab has or was about to have: by folder and by record."""
    recorded = _recorded_spec(lab)
    names = [guest.name for guest in recorded.guests] if recorded else []
    home = guests_home(lab)
    folders = [path.name.split(".", 1)[0] for path in home.iterdir()] if home.is_dir() else []
    return list(dict.fromkeys(names + folders))


def _refuse_taken_by_labs(spec: LabSpec) -> None:
    """Another lab of this home keeps its network also while it is down."""
    for lab in list_labs():
        if lab.name != spec.name and lab.network.overlaps(spec.network):
            raise NetworkTakenError(
                f"the network {spec.network} overlaps {lab.network} of lab {lab.name}",
                where=str(spec_file(lab.name)),
                hint=f"choose another network, or destroy lab {lab.name}",
            )


def _open_home(lab: str) -> None:
    """Make the lab's folder. The guests' root is an ordinary user here and must be able to enter, not to list."""
    home = lab_home(lab)
    home.mkdir(parents=True, exist_ok=True)
    for folder in (home, home.parent):
        folder.chmod(0o711)
    guests_home(lab).mkdir(exist_ok=True)
    guests_home(lab).chmod(0o711)
    for folder in home.parents:
        if not folder.stat().st_mode & 0o001:
            raise SetupError(
                "the guests' user cannot reach their folder",
                where=f"{folder} is closed to others",
                hint=f"chmod o+x {folder}, or set PROVISION_HOME to another place",
            )


def _write_spec(spec: LabSpec) -> None:
    path = spec_file(spec.name)
    fresh = path.with_suffix(".new")
    fresh.write_text(spec.model_dump_json(indent=1) + "\n")
    fresh.rename(path)


def _recorded_spec(name: str) -> LabSpec | None:
    """The recorded spec; a record that another version wrote counts as absent, its guests are found by folder."""
    path = spec_file(name)
    if not path.is_file():
        return None
    try:
        return LabSpec.model_validate_json(path.read_bytes())
    except ValidationError:
        return None


def _recorded_names() -> list[str]:
    home = labs_home()
    return (
        sorted(path.name for path in home.iterdir() if path.is_dir() and is_lab_name(path.name))
        if home.is_dir()
        else []
    )


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def ensure_subids_if_root() -> None:
    """Only root may write /etc/subuid; for others `require_lab` says what is missing."""
    if os.geteuid() == 0:
        ensure_subids()
