"""Simulated cards of a lab's guests: given when the lab is made, made to fail on demand."""

from __future__ import annotations

from pathlib import Path

from provision.errors import UsageError
from provision.lab.lab import read_spec
from provision.lab.places import guest_home
from provision.lab.requirements import SUBID_START
from provision.lab.simgpu.install import install_simulation, set_fault
from provision.models.lab import GpuFault, LabGuest, LabSpec


def ensure_simulation(spec: LabSpec) -> None:
    """Every guest with cards has them, all healthy. Raises SetupError without a C compiler."""
    for guest in spec.guests:
        if guest.gpus:
            install_simulation(_rootfs(spec, guest), guest.gpus, spec.driver_version, SUBID_START)


def set_guest_fault(lab: str, machine: str, fault: GpuFault | None) -> None:
    """Make one guest's simulated cards fail in one way, or heal them. Raises UsageError where it has none."""
    spec = read_spec(lab)
    guest = next((guest for guest in spec.guests if guest.name == machine and guest.gpus), None)
    if guest is None:
        raise UsageError(
            f"'{machine}' of lab '{lab}' has no simulated cards",
            where="--machine",
            hint="those with cards: " + (", ".join(g.name for g in spec.guests if g.gpus) or "none"),
        )
    set_fault(
        _rootfs(spec, guest),
        fault,
        gpus=guest.gpus,
        driver_version=spec.driver_version,
        uid_shift=SUBID_START,
    )


def _rootfs(spec: LabSpec, guest: LabGuest) -> Path:
    return guest_home(spec.name, guest.name) / "rootfs"
