"""The node's own roles: run where their inputs or what they put there changed since they last ran through."""

from __future__ import annotations

import hashlib

from provision.inventory import render_inventory, write_inventory
from provision.inventory.node_vars import build_node_inventory
from provision.models.inventory import DriverInput
from provision.models.node import NodeAccess, NodeObservation
from provision.models.plan import Plan
from provision.pipeline.converge import mirror_of, require_success
from provision.pipeline.node import read_node
from provision.pipeline.stages import StageClock
from provision.pipeline.unchanged import digest_content
from provision.runner.execute import Playbook, run_playbook
from provision.runner.workspace import Workspace, write_private


def converge_node(
    workspace: Workspace,
    plan: Plan,
    access: NodeAccess,
    node: NodeObservation,
    driver: DriverInput | None,
    clock: StageClock,
) -> int:
    """How many tasks changed something. Raises RunError or UnreachableError naming task and reason."""
    write_inventory(render_inventory(build_node_inventory(plan, access, node, driver)), workspace.node_inventory)
    if _standing(workspace) == _digest(workspace, node):
        clock.note("the node is as the last run left it: its playbook need not run")
        return 0
    workspace.node_converged_file.unlink(missing_ok=True)
    with mirror_of(plan):
        outcome = run_playbook(workspace, Playbook(name="host", inventory=workspace.node_inventory), clock.report)
    require_success(outcome)
    write_private(workspace.node_converged_file, _digest(workspace, read_node(access.login)) + "\n")
    return outcome.changed


def _standing(workspace: Workspace) -> str:
    return workspace.node_converged_file.read_text().strip() if workspace.node_converged_file.exists() else ""


def _digest(workspace: Workspace, node: NodeObservation) -> str:
    """sha256 (hex) over what the roles are given and over what of theirs the node shows."""
    shown = node.model_dump_json(include={"installed", "driver", "held", "device_nodes", "pinned_kernel"})
    return hashlib.sha256(f"{digest_content(workspace.node_inventory)} {shown}".encode()).hexdigest()
