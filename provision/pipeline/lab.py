"""`provision lab`: hosts, list, down, fault."""

from __future__ import annotations

from typing import get_args

from provision.errors import ErrorGroup, UsageError
from provision.lab import hosts as lab_hosts
from provision.lab import lab as labs
from provision.lab.pve.faults import set_node_fault
from provision.lab.records import read_spec
from provision.lab.requirements import missing_requirements
from provision.lab.simulation import set_guest_fault
from provision.models.lab import NODE_NAME, GpuFault, LabState, NodeFault


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


def inject_fault(lab: str, machine: str, kind: str) -> None:
    """Make a guest's simulated cards, or the simulated facts of the Proxmox node, fail in one way; 'none' heals them.

    Raises UsageError for what does not exist.
    """
    on_node = machine == NODE_NAME
    is_host = lab in list_labs() and any(guest.plain_host for guest in read_spec(lab).guests if guest.name == machine)
    known = get_args(NodeFault) if on_node else get_args(GpuFault) + (get_args(NodeFault) if is_host else ())
    if kind not in ("none", *known):
        raise UsageError(
            f"'{kind}' is no fault of '{machine}'",
            where="provision lab fault",
            hint="one of: none, " + ", ".join(known),
        )
    if lab not in list_labs():
        raise UsageError(f"there is no lab '{lab}'", where="this machine", hint="provision lab list")
    if on_node or is_host:
        set_node_fault(lab, machine, next((fault for fault in get_args(NodeFault) if fault == kind), None))
    if not on_node:
        set_guest_fault(lab, machine, next((fault for fault in get_args(GpuFault) if fault == kind), None))
