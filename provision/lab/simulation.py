"""Simulated cards of a lab's guests: given when the lab is made, made to fail on demand."""

from __future__ import annotations

from pathlib import Path

from provision.errors import UsageError
from provision.lab.kernel import loaded_version
from provision.lab.places import guest_home, node_tree
from provision.lab.plain_host import host_driver
from provision.lab.records import read_spec
from provision.lab.requirements import SUBID_START
from provision.lab.simgpu.install import install_simulation, set_fault
from provision.models.lab import GpuFault, LabGuest, LabSpec, SimulatedGpu


def ensure_simulation(spec: LabSpec) -> None:
    """Every guest with cards has them, all healthy. Raises SetupError without a C compiler."""
    for guest in spec.guests:
        ensure_guest_simulation(spec, guest)


def ensure_guest_simulation(spec: LabSpec, guest: LabGuest) -> None:
    """The same for one guest."""
    cards = cards_of(spec, guest)
    if cards:
        install_simulation(_rootfs(spec, guest), cards, driver_of(spec, guest), SUBID_START)


def cards_of(spec: LabSpec, guest: LabGuest) -> tuple[SimulatedGpu, ...]:
    """The cards that a guest sees. On a Proxmox node those whose device nodes it has, numbered anew as NVML does."""
    if spec.node is None:
        return guest.gpus
    devices = guest_home(spec.name, guest.name) / "devices"
    seen = [card for card in spec.node.gpus if (devices / f"nvidia{card.index}").exists()]
    return tuple(card.model_copy(update={"index": number}) for number, card in enumerate(seen))


def driver_of(spec: LabSpec, guest: LabGuest) -> str:
    """Full version that a guest's simulated driver says it is: that which is loaded on its node, or on the host that it
    stands for."""
    loaded = loaded_version(node_tree(spec.name)) if spec.node else None
    if guest.plain_host:
        loaded = host_driver(spec.name, guest)
    return loaded or spec.driver_version


def set_guest_fault(lab: str, machine: str, fault: GpuFault | None) -> None:
    """Make one guest's simulated cards fail in one way, or heal them. Raises UsageError where it has none."""
    spec = read_spec(lab)
    guest = next((guest for guest in spec.guests if guest.name == machine and cards_of(spec, guest)), None)
    if guest is None:
        raise UsageError(
            f"'{machine}' of lab '{lab}' has no simulated cards",
            where="--machine",
            hint="those with cards: " + (", ".join(g.name for g in spec.guests if cards_of(spec, g)) or "none"),
        )
    gpus, driver = cards_of(spec, guest), driver_of(spec, guest)
    set_fault(_rootfs(spec, guest), fault, gpus=gpus, driver_version=driver, uid_shift=SUBID_START)


def _rootfs(spec: LabSpec, guest: LabGuest) -> Path:
    return guest_home(spec.name, guest.name) / "rootfs"
