"""`provision init`: a client's own file, with a network that no other client has."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from provision.errors import ErrorGroup, UsageError
from provision.pipeline.options import require_client_name
from provision.places import find_home
from provision.profile import free_network, load_profile, read_client, render_client_file
from provision.runner.workspace import write_private


def init_client(client: str, profile: str) -> Path:
    """Write the client file. Raises UsageError for a bad name or a client that exists."""
    require_client_name(client)
    path = find_home() / "clients" / client / "client.yml"
    if path.exists():
        raise UsageError(
            f"the client '{client}' exists", where=str(path), hint="edit that file, or choose another name"
        )
    load_profile(profile)  # a profile that does not load makes no client
    network = free_network(_networks_in_use())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, render_client_file(client, profile, network, f"{client}.internal"))
    return path


def _networks_in_use() -> list[IPv4Network]:
    used = []
    for file in sorted((find_home() / "clients").glob("*/client.yml")):
        try:
            used.append(read_client(file).network)
        except ErrorGroup:
            continue  # a broken client file is that client's matter; its network cannot be known
    return [network for network in used if network is not None]
