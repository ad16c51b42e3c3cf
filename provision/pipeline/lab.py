"""`provision lab`: hosts, list, down, fault."""

from __future__ import annotations

from provision.errors import ErrorGroup, UsageError
from provision.lab import hosts as lab_hosts
from provision.lab import lab as labs
from provision.lab.requirements import missing_requirements
from provision.lab.simulation import set_guest_fault
from provision.models.lab import GpuFault, LabState


def make_hosts(name: str, count: int) -> LabState:
    """Plain guests ready for Ansible. Raises ErrorGroup with all that this machine lacks."""
    missing = missing_requirements()
    if missing:
        raise ErrorGroup(missing)
    return lab_hosts.ensure_hosts(name, count)


def list_labs() -> tuple[str, ...]:
    return tuple(lab.name for lab in labs.list_labs())


def destroy(name: str | None, *, everything: bool) -> tuple[str, ...]:
    """Take one lab or all of them away; the names of those that were there."""
    if everything == (name is not None):
        raise UsageError("say which lab", where="provision lab down", hint="add --name NAME or --all, not both")
    found = list_labs()
    if name is None:
        labs.destroy_all_labs()
        return found
    labs.destroy_lab(name)
    return (name,) if name in found else ()


def inject_fault(lab: str, machine: str, fault: GpuFault | None) -> None:
    """Make the simulated cards of a guest fail in one way, or heal them (None)."""
    if lab not in list_labs():
        raise UsageError(f"there is no lab '{lab}'", where="this machine", hint="provision lab list")
    set_guest_fault(lab, machine, fault)
