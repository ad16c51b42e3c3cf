"""How provision gets into the guests it makes: its own key, and host keys that their node told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from provision.models.inventory import Connection
from provision.models.plan import Plan
from provision.runner.workspace import Workspace, write_private

USER = "root"
SSH_PORT = 22


def ensure_key(workspace: Workspace) -> str:
    """The public key in OpenSSH's form; the pair is made once."""
    public = workspace.guest_key.with_suffix(".pub")
    if not workspace.guest_key.exists() or not public.exists():
        key = Ed25519PrivateKey.generate()
        text = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        write_private(public, text + b" provision\n")
        write_private(workspace.guest_key, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return public.read_text()


def known_addresses(workspace: Workspace) -> frozenset[str]:
    if not workspace.known_hosts.exists():
        return frozenset()
    return frozenset(line.split()[0] for line in workspace.known_hosts.read_text().splitlines() if line)


def note_host_keys(workspace: Workspace, keys: Mapping[IPv4Address, str], keep: Iterable[IPv4Address]) -> None:
    """Write the keys of `keys` ('ssh-ed25519 AAAA… comment'), and keep those known of the addresses in `keep`."""
    lines = {str(address): " ".join(text.split()[:2]) for address, text in keys.items()}
    wanted = {str(address) for address in keep} - lines.keys()
    if workspace.known_hosts.exists():
        for line in workspace.known_hosts.read_text().splitlines():
            address, _, key = line.partition(" ")
            if address in wanted:
                lines[address] = key
    write_private(workspace.known_hosts, "".join(f"{address} {key}\n" for address, key in sorted(lines.items())))


def guest_connections(workspace: Workspace, plan: Plan) -> tuple[Connection, ...]:
    """Root by ssh at the planned addresses, with our key and the host keys that the node told."""
    return tuple(
        Connection(
            machine=machine.name,
            address=machine.address,
            port=SSH_PORT,
            user=USER,
            private_key=str(workspace.guest_key),
            known_hosts=str(workspace.known_hosts),
        )
        for machine in plan.machines
    )
