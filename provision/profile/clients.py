"""Client files: what one client has of its own over a shared profile."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from provision.errors import ErrorGroup, ProfileError, ProvisionError, UsageError
from provision.models.base import Frozen
from provision.models.profile import Network
from provision.profile.known import list_names
from provision.profile.load import load_profile, read_layer
from provision.profile.text import show
from provision.profile.tree import find_value

_POOL = IPv4Network("10.42.0.0/16")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class ClientFile(Frozen):
    """What a client file says of itself; the rest of it is a layer of the profile."""

    client: str
    profile: str | None
    """A built-in profile's name or the path of a file, absolute or from the working folder."""
    network: IPv4Network | None


def read_client(path: Path) -> ClientFile:
    """The head of a client file. Raises ErrorGroup where it cannot be read or names no client."""
    problems: list[ProvisionError] = []
    root = read_layer(path, "client", str(path), problems)
    client = None if root is None else find_value(root, "client")
    if root is not None and not (isinstance(client, str) and _NAME.fullmatch(client)):
        problems.append(
            ProfileError("the client's name is missing", where=str(path), hint="add a line such as `client: acme`")
        )
    if problems or root is None:
        raise ErrorGroup(problems)
    profile = find_value(root, "profile")
    return ClientFile(
        client=str(client),
        profile=_resolve(profile, path.parent) if isinstance(profile, str) else None,
        network=_read_network(find_value(root, "network", "cidr")),
    )


def free_network(used: Iterable[IPv4Network]) -> IPv4Network:
    """The first /24 of 10.42.0.0/16 that touches no used network. Raises UsageError when all are taken.

    The schema's own network is never given to a client: profiles that are used without one are in it.
    """
    taken = (*used, Network().cidr)
    for network in _POOL.subnets(new_prefix=24):
        if not any(network.overlaps(other) for other in taken):
            return network
    raise UsageError(
        f"all networks of {_POOL} are taken", where="the clients' files", hint="pass --network with another one"
    )


def render_client_file(client: str, profile_name: str, network: IPv4Network, domain: str) -> str:
    """A commented client file that loads as it is; what is commented out shows the profile's own values.

    Raises UsageError where `client` cannot be a name, ErrorGroup where the profile does not load.
    """
    if not _NAME.fullmatch(client):
        raise UsageError(
            f"'{show(client)}' is not a name for a client",
            where="the command line",
            hint="use a-z, 0-9 and '-', beginning with a letter, at most 40 characters",
        )
    profile = load_profile(profile_name).profile
    below = profile_name if profile_name in list_names() else str(Path(profile_name).resolve())
    mail = f"admin@{domain}" if "." in domain else "admin@ai.internal"
    return _TEMPLATE.format(
        client=client,
        below=json.dumps(below, ensure_ascii=False),
        network=network,
        domain=json.dumps(domain),
        mail=json.dumps(mail),
        profile=profile,
        host=profile.platform.host or "pve.example.lan",
        model=profile.workload.models[0],
        machine=profile.machines[0],
    )


def _resolve(profile: str, folder: Path) -> str:
    """A path in a client file is meant from that file's folder."""
    return profile if profile in list_names() or not _is_path(profile) else str(folder / profile)


def _is_path(profile: str) -> bool:
    return "/" in profile or profile.endswith((".yml", ".yaml"))


def _read_network(text: object) -> IPv4Network | None:
    try:
        return IPv4Network(text) if isinstance(text, str) else None
    except ValueError:
        return None


_TEMPLATE = """\
# Client {client}: what differs from the profile below. Every other value comes from that profile.
# After a change: `provision plan --client {client}` shows what it would do, `provision up --client {client}` does it.
# The passwords are not here: they are generated once and kept in the client's vault.
client: {client}
profile: {below}

network:
  # The stack's private network; no two clients may share one. Its first address is the gateway.
  cidr: {network}
  # The name under which people reach the stack.
  domain: {domain}
  # Bridge of the Proxmox host.
  # bridge: {profile.network.bridge}
  # Networks from which administrators may connect by ssh.
  # admin_networks: [192.168.1.0/24]

accounts:
  # The administrator of the chat, of the workflows and of the dashboards.
  admin_email: {mail}
  admin_name: Administrator

# Where the stack is brought up: the address of the Proxmox host, or of the server itself.
# platform:
#   host: {host}
#   user: {profile.platform.user}
#   port: {profile.platform.port}

# Ports of the gateway, the only way in.
# access:
#   chat_port: {profile.access.chat_port}
#   flows_port: {profile.access.flows_port}
#   metrics_port: {profile.access.metrics_port}
#   challenge_port: {profile.access.challenge_port}

# How many people use it, and what each slot of the model may hold. A model or a machine of the profile is changed
# by its name; what is not named stays as it is.
# workload:
#   users: {profile.workload.users}
#   models:
#     {model.name}:
#       context: {model.context}
#       parallel: {model.parallel}
# machines:
#   {machine.name}:
#     memory: {machine.memory}MiB
#     disk: {machine.disk}MiB
"""
