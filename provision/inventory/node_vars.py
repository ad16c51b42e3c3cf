"""The Proxmox node as an inventory of its own: one host, the roles that make it ready for the plan's guests."""

from __future__ import annotations

from typing import Any

from provision.models.inventory import Inventory
from provision.models.node import NodeAccess
from provision.models.plan import Plan


def build_node_inventory(plan: Plan, access: NodeAccess) -> Inventory:
    """Its roles, and what each is given."""
    login = access.login
    variables: dict[str, Any] = {
        "ansible_host": login.address,
        "ansible_port": login.port,
        "ansible_user": login.user,
        "provision_roles": ["proxmox_node"],
        "proxmox_node_guests": {plan.client: sorted(m.guest.id for m in plan.machines if m.guest)},
    }
    if login.private_key:
        variables["ansible_ssh_private_key_file"] = login.private_key
    if login.known_hosts:
        options = f"-o UserKnownHostsFile='{login.known_hosts}' -o StrictHostKeyChecking=yes"
        variables["ansible_ssh_common_args"] = options
    return Inventory(
        title=f"node of client {plan.client}, profile {plan.profile}, target {plan.target}",
        groups={"node": (access.node,)},
        all_vars={"ansible_python_interpreter": "/usr/bin/python3"},
        host_vars={access.node: variables},
    )
