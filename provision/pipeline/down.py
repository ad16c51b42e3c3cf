"""`provision down`: take the machines away that provision made; the client's secrets, plan and receipts stay.

On a Proxmox node, live and in the lab, only guests with the client's tag go, through the API and the client's token.
The lab itself goes afterwards, also where its API does not answer any more.
"""

from __future__ import annotations

from collections.abc import Callable

from provision.errors import ErrorGroup, ProvisionError, UsageError
from provision.lab import lab as labs
from provision.models.base import Frozen
from provision.models.plan import Plan
from provision.pipeline.guests import list_own, remove_guests
from provision.pipeline.options import Options, Report, find_client, open_chosen_workspace
from provision.pipeline.planning import read_plan
from provision.pipeline.proxmox_node import open_standing_node
from provision.pipeline.stages import StageClock
from provision.runner.leftovers import end_leftovers
from provision.runner.lock import hold_lock
from provision.runner.workspace import Workspace

Confirm = Callable[[tuple[str, ...]], bool]


class Removed(Frozen):
    """`guests`: names of those that were destroyed through the node's API."""

    client: str
    guests: tuple[str, ...]


def take_down(options: Options, report: Report, confirm: Confirm) -> Removed:
    """Destroy the client's guests; `confirm` is asked with their names where data is lost for good (a live node).

    Raises UsageError for a host, whose data is not deleted by a short word, and where `confirm` says no.
    """
    client = find_client(options)
    workspace = open_chosen_workspace(options, client)
    clock = StageClock(report)
    with hold_lock(workspace.lock_file):
        end_leftovers(workspace.folder)
        plan = read_plan(workspace)
        if not options.lab:
            return _take_down_live(workspace, client, plan, clock, confirm)
        removed = _remove_from_lab(workspace, plan, clock)
        labs.destroy_lab(client, clock.note)
        return Removed(client=client, guests=removed)


def _take_down_live(
    workspace: Workspace, client: str, plan: Plan | None, clock: StageClock, confirm: Confirm
) -> Removed:
    if plan is None or plan.proxmox is None:
        raise UsageError(
            "down works on guests that provision made: in the lab, and on a Proxmox node",
            where="the command line",
            hint="add --lab; on a host of its own stop the services there, their data is not ours to delete",
        )
    node = open_standing_node(workspace, plan)
    names = tuple(f"{state.id} '{state.name}'" for state in list_own(node))
    if names and not confirm(names):
        raise UsageError("not confirmed, nothing was changed", where="provision down", hint="add --yes to go on")
    return Removed(client=client, guests=remove_guests(node, clock))


def _remove_from_lab(workspace: Workspace, plan: Plan | None, clock: StageClock) -> tuple[str, ...]:
    if plan is None or plan.proxmox is None or not any(lab.name == plan.client for lab in labs.list_labs()):
        return ()
    try:
        return remove_guests(open_standing_node(workspace, plan), clock)
    except (ProvisionError, ErrorGroup) as error:
        # A lab whose API is gone must not stay for that.
        said = error.errors[0].what if isinstance(error, ErrorGroup) else error.what
        clock.note(f"the lab's API did not remove the guests ({said}); the lab goes with all that is in it")
        return ()
