"""From one NVIDIA driver to another as one step: guests with cards stopped, node, guests; the old one back on failure.

Host and guests need the same full version (domain.md A5), so nothing that uses a card may run in between.
"""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from provision.errors import ErrorGroup, ProvisionError, RunError
from provision.models.base import Frozen
from provision.models.inventory import DriverInput
from provision.pipeline.guests import stop_guests
from provision.pipeline.host_stage import converge_node
from provision.pipeline.node_files import find_driver
from provision.pipeline.node_stage import ReadyNode, ensure_guests, rebind_node
from provision.pipeline.proxmox_node import Node, open_standing_node
from provision.pipeline.stages import StageClock
from provision.platforms.guests import describe_guests
from provision.runner.workspace import Workspace, write_private


class Brought(Frozen):
    """The node after its roles ran; `former` is the driver that was replaced, None where none was."""

    ready: ReadyNode
    changed: int
    former: str | None


def bring_node(workspace: Workspace, ready: ReadyNode, clock: StageClock, *, may_reboot: bool) -> Brought:
    """Run the node's roles. Raises RunError (exit 6) where another driver did not come up and the old one is back."""
    wanted = find_driver(ready.plan, may_reboot=may_reboot)
    running = ready.node.driver
    if wanted is None or running in (None, wanted.version):
        changed = converge_node(workspace, ready.plan, ready.access, ready.node, wanted, clock)
        return Brought(ready=rebind_node(ready) if changed else ready, changed=changed, former=None)
    clock.note(f"NVIDIA driver {running} gives way to {wanted.version}: guests with cards are stopped")
    _stop_card_guests(workspace, ready, clock)
    try:
        changed = converge_node(workspace, ready.plan, ready.access, ready.node, wanted, clock)
    except (ProvisionError, ErrorGroup) as error:
        raise put_back(workspace, ready, running, clock, why=first_line(error)).error from error
    return Brought(ready=rebind_node(ready), changed=changed, former=running)


class PutBack(NamedTuple):
    """The error to raise, and the driver that the guests must follow; None where there was none to put back."""

    error: RunError
    driver: DriverInput | None


def put_back(workspace: Workspace, ready: ReadyNode, former: str, clock: StageClock, *, why: str) -> PutBack:
    """Bring the former driver back onto the node, and the guests back up."""
    known = _recorded(workspace)
    wanted = find_driver(ready.plan, may_reboot=False)
    tried = wanted.version if wanted else "none"
    if known is None or known.version != former:
        error = RunError(
            f"driver {tried} failed ({why}); {former} was not installed by provision and cannot be put back",
            where=f"node {ready.access.node}",
            hint="read the log and run again; guests with cards stay stopped until a driver runs",
        )
        return PutBack(error, None)
    clock.note(f"driver {tried} failed: putting {former} back")
    _stop_card_guests(workspace, ready, clock)
    converge_node(workspace, ready.plan, ready.access, ready.node, known, clock)
    guests = "the guests run"
    try:
        ensure_guests(workspace, rebind_node(ready), clock)
    except (ProvisionError, ErrorGroup) as failed:
        guests = f"the guests do not run ({first_line(failed)})"
    error = RunError(
        f"driver {tried} failed ({why}); {former} is back and {guests}",
        where=f"node {ready.access.node}",
        hint=f"pin the old one until that is mended: provision lock --update nvidia-driver --pin {former}",
    )
    return PutBack(error, known)


def record_driver(workspace: Workspace, ready: ReadyNode) -> None:
    """Note the driver that a whole run was verified with: it is what a failed change goes back to."""
    driver = find_driver(ready.plan, may_reboot=False)
    if driver is not None:
        write_private(workspace.driver_file, driver.model_dump_json(indent=1) + "\n")


def _recorded(workspace: Workspace) -> DriverInput | None:
    try:
        return DriverInput.model_validate_json(workspace.driver_file.read_bytes())
    except (OSError, ValidationError):
        return None


def _stop_card_guests(workspace: Workspace, ready: ReadyNode, clock: StageClock) -> None:
    node: Node = open_standing_node(workspace, ready.plan)
    with_cards = {machine.name for machine in ready.plan.machines if machine.cards}
    stop_guests(node, [c for c in describe_guests(ready.plan) if c.name in with_cards], clock)


def first_line(error: ProvisionError | ErrorGroup) -> str:
    """What the first of the problems is, on one line."""
    first = error.errors[0] if isinstance(error, ErrorGroup) else error
    return " ".join(first.what.split())[:300]
