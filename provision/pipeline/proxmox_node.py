"""A Proxmox node as the stages work with it: the plan, the ways in, and the client's files."""

from __future__ import annotations

from provision.models.base import Frozen
from provision.models.node import NodeAccess
from provision.models.plan import Plan, ProxmoxPlan
from provision.pipeline.node_access import read_access
from provision.pipeline.token import open_api, require_proxmox
from provision.platforms.proxmox import ProxmoxNode
from provision.runner.workspace import Workspace

ROOT_COMMAND = "/usr/local/sbin/provision-guest-devices"


class Node(Frozen, arbitrary_types_allowed=True):
    """What the functions below work with."""

    plan: Plan
    access: NodeAccess
    api: ProxmoxNode
    workspace: Workspace

    @property
    def where(self) -> ProxmoxPlan:
        return require_proxmox(self.plan)


def open_standing_node(workspace: Workspace, plan: Plan) -> Node:
    """The node as the last `up` noted it. Raises SetupError where there was none, or no token."""
    access = read_access(workspace)
    return Node(plan=plan, access=access, api=open_api(workspace, plan, access), workspace=workspace)
