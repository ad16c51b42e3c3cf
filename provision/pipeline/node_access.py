"""How the node of a plan is reached: made in the lab, asked by ssh elsewhere; noted for the verbs that follow."""

from __future__ import annotations

from ipaddress import IPv4Address

from pydantic import ValidationError

from provision.errors import SetupError
from provision.lab.pve.lab import api_files, ensure_node
from provision.models.lab import LabHost, LabNode
from provision.models.node import NodeAccess, NodeLogin
from provision.models.plan import Plan
from provision.models.profile import Profile
from provision.pipeline.node import node_login
from provision.pipeline.node_shell import run_on_node
from provision.pipeline.stages import StageClock
from provision.platforms.lab import simulated_cards
from provision.runner.workspace import Workspace, write_private

_CLUSTER_CA = "/etc/pve/pve-root-ca.pem"
"""What signs pveproxy's certificate unless an administrator put another there (pve-docs, certificate-management)."""


def open_node(workspace: Workspace, plan: Plan, profile: Profile, clock: StageClock) -> NodeAccess:
    """The node, reached: in the lab made first. Raises UnreachableError, SetupError, ErrorGroup."""
    access = _lab_node(plan, clock) if plan.target == "lab" else _live_node(workspace, node_login(profile))
    write_private(workspace.node_file, access.model_dump_json(indent=1) + "\n")
    return access


def read_access(workspace: Workspace) -> NodeAccess:
    """As the last `up` noted it. Raises SetupError where there was none."""
    try:
        return NodeAccess.model_validate_json(workspace.node_file.read_bytes())
    except (OSError, ValidationError) as error:
        raise SetupError(
            "it is not known how the node is reached",
            where=str(workspace.node_file),
            hint="provision up notes it",
        ) from error


def _lab_node(plan: Plan, clock: StageClock) -> NodeAccess:
    node = LabNode(address=free_address(plan), gpus=simulated_cards(plan))
    host = ensure_node(plan.client, plan.network, node, clock.note)
    ca_file = str(api_files(plan.client).certificate)
    return NodeAccess(login=login_of(host), node=host.name, api_host=str(plan.gateway), ca_file=ca_file)


def login_of(host: LabHost) -> NodeLogin:
    return NodeLogin(
        machine=host.name,
        address=str(host.address),
        port=host.port,
        user=host.user,
        private_key=host.private_key,
        known_hosts=host.known_hosts,
    )


def free_address(plan: Plan) -> IPv4Address:
    """The last address of the network that no machine has: the lab's node takes it."""
    taken = {plan.gateway, *(machine.address for machine in plan.machines)}
    # From the last address but the broadcast's; as many steps as can be taken, and one.
    last = plan.network.num_addresses - 2
    hosts = (plan.network[last - step] for step in range(min(len(taken) + 1, last)))
    found = next((address for address in hosts if address not in taken), None)
    if found is None:
        raise SetupError(
            "the lab's node finds no free address",
            where=f"network {plan.network}",
            hint="choose a larger network.cidr, for example 10.42.0.0/24",
        )
    return found


def _live_node(workspace: Workspace, login: NodeLogin) -> NodeAccess:
    write_private(workspace.node_ca, run_on_node(login, ("cat", _CLUSTER_CA)))
    node = run_on_node(login, ("hostname", "--short")).strip()
    return NodeAccess(login=login, node=node, api_host=login.address, ca_file=str(workspace.node_ca))
