"""How Ansible reaches a machine, as its variables."""

from __future__ import annotations

from typing import Any


def connect_vars(address: str, port: int, user: str, private_key: str, known_hosts: str) -> dict[str, Any]:
    """Host keys are always checked; without a key or a known_hosts file of ours, ssh uses the administrator's."""
    variables: dict[str, Any] = {"ansible_host": address, "ansible_port": port, "ansible_user": user}
    if private_key:
        variables["ansible_ssh_private_key_file"] = private_key
    if known_hosts:
        variables["ansible_ssh_common_args"] = f"-o UserKnownHostsFile='{known_hosts}' -o StrictHostKeyChecking=yes"
    return variables
