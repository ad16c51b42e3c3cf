"""What is written down of the labs of this machine: one spec per lab; all else follows from it."""

from __future__ import annotations

import stat

from pydantic import ValidationError

from provision.errors import SetupError
from provision.lab.network import NetworkTakenError, bridge_name, gateway_of
from provision.lab.places import (
    guests_home,
    is_lab_name,
    known_hosts,
    lab_home,
    labs_home,
    private_key,
    spec_file,
)
from provision.models.lab import LabHost, LabSpec, LabState


def read_lab(name: str) -> LabState:
    """The lab as recorded on this machine. Raises SetupError when there is none of that name."""
    return state_of(read_spec(name))


def read_spec(name: str) -> LabSpec:
    """What the lab was last asked to be. Raises SetupError when there is none of that name."""
    spec = recorded_spec(name)
    if spec is None:
        raise SetupError(
            f"there is no lab named {name}",
            where=str(labs_home()),
            hint=f"the labs here are: {', '.join(lab.name for lab in list_labs()) or 'none'}",
        )
    return spec


def list_labs() -> tuple[LabState, ...]:
    """Every lab recorded on this machine under this `PROVISION_HOME`, by name."""
    specs = (recorded_spec(name) for name in recorded_names())
    return tuple(state_of(spec) for spec in specs if spec is not None)


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


def recorded_spec(name: str) -> LabSpec | None:
    """The recorded spec; a record that another version wrote counts as absent, its guests are found by folder."""
    path = spec_file(name)
    if not path.is_file():
        return None
    try:
        return LabSpec.model_validate_json(path.read_bytes())
    except ValidationError:
        return None


def recorded_names() -> list[str]:
    """Every folder that can be a lab's, half-made ones included."""
    home = labs_home()
    folders = home.iterdir() if home.is_dir() else ()
    return sorted(path.name for path in folders if path.is_dir() and is_lab_name(path.name))


def guest_names(lab: str) -> list[str]:
    """Guests that the lab has or was about to have: by folder and by record."""
    recorded = recorded_spec(lab)
    names = [guest.name for guest in recorded.guests] if recorded else []
    home = guests_home(lab)
    folders = [path.name.split(".", 1)[0] for path in home.iterdir()] if home.is_dir() else []
    return list(dict.fromkeys(names + folders))


def write_spec(spec: LabSpec) -> None:
    path = spec_file(spec.name)
    fresh = path.with_suffix(".new")
    fresh.write_text(spec.model_dump_json(indent=1) + "\n")
    fresh.rename(path)


def open_home(lab: str) -> None:
    """Make the lab's folder. The guests' root is an ordinary user here and must be able to enter, not to list.

    Raises SetupError when a folder above `PROVISION_HOME` is closed to others.
    """
    guests_home(lab).mkdir(parents=True, exist_ok=True)
    for folder in (guests_home(lab), lab_home(lab), labs_home()):
        folder.chmod(0o711)
    home = labs_home().parent
    home.chmod(stat.S_IMODE(home.stat().st_mode) | 0o011)
    for folder in home.parents:
        if not folder.stat().st_mode & 0o001:
            raise SetupError(
                "the guests' user cannot reach their folder",
                where=f"{folder} is closed to others",
                hint=f"chmod o+x {folder}, or set PROVISION_HOME to another place",
            )


def refuse_network_of_others(spec: LabSpec) -> None:
    """Another lab of this home keeps its network also while it is down. Raises NetworkTakenError."""
    for lab in list_labs():
        if lab.name != spec.name and lab.network.overlaps(spec.network):
            raise NetworkTakenError(
                f"the network {spec.network} overlaps {lab.network} of lab {lab.name}",
                where=str(spec_file(lab.name)),
                hint=f"choose another network, or destroy lab {lab.name}",
            )
