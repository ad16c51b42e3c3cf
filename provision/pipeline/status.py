"""`provision status`: what stands, who is at work on it, and what was last proven."""

from __future__ import annotations

from provision.errors import ProvisionError
from provision.models.base import Frozen
from provision.models.guests import GuestDrift
from provision.models.plan import Plan
from provision.models.report import SignedReceipt
from provision.pipeline.drift import find_drift
from provision.pipeline.machines import current_connections
from provision.pipeline.options import Options, find_client, open_chosen_workspace
from provision.pipeline.planning import read_plan
from provision.pipeline.proxmox_node import open_standing_node
from provision.platforms.ssh import check_reachable
from provision.runner.lock import LockHolder, read_holder
from provision.runner.workspace import Workspace


class Status(Frozen):
    """`reachable` says of every machine whether ssh answers; empty where nothing was brought up."""

    client: str
    target: str
    plan: Plan | None
    holder: LockHolder | None
    reachable: dict[str, bool]
    drift: tuple[GuestDrift, ...]
    """How the guests of a Proxmox node differ from the plan."""
    node_unread: str | None
    """Why that could not be read."""
    last_receipt: str | None
    last_verdict: str | None


def read_status(options: Options) -> Status:
    """Read only; works while another run holds the lock."""
    client = find_client(options)
    workspace = open_chosen_workspace(options, client)
    plan = read_plan(workspace)
    receipt = last_receipt(workspace)
    drift, unread = _drift(workspace, plan)
    return Status(
        client=client,
        target=options.target,
        plan=plan,
        holder=read_holder(workspace.lock_file),
        reachable=_reach(plan) if plan else {},
        drift=drift,
        node_unread=unread,
        last_receipt=str(receipt[0]) if receipt else None,
        last_verdict=receipt[1] if receipt else None,
    )


def last_receipt(workspace: Workspace) -> tuple[str, str] | None:
    """Path and verdict of the newest receipt."""
    files = sorted(workspace.receipts.glob("*.json"))
    if not files:
        return None
    return str(files[-1]), SignedReceipt.model_validate_json(files[-1].read_text()).receipt.verdict


def _drift(workspace: Workspace, plan: Plan | None) -> tuple[tuple[GuestDrift, ...], str | None]:
    if plan is None or plan.proxmox is None:
        return (), None
    try:
        return find_drift(open_standing_node(workspace, plan)), None
    except ProvisionError as error:
        return (), error.what


def _reach(plan: Plan) -> dict[str, bool]:
    try:
        connections = current_connections(plan)
    except ProvisionError:
        return {machine.name: False for machine in plan.machines}
    return {c.machine: not check_reachable((c,), timeout=3.0) for c in connections}
