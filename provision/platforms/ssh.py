"""Whether machines answer over ssh, before Ansible starts. Reads only; an unknown host key is refused."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from pathlib import Path

import paramiko

from provision.errors import UnreachableError
from provision.models.inventory import Connection
from provision.models.node import NodeLogin

_AT_ONCE = 16
Login = Connection | NodeLogin


def check_reachable(connections: Sequence[Login], timeout: float = 10.0) -> list[UnreachableError]:
    """One error per machine that cannot be logged in to; empty if all can. `timeout` in seconds per machine."""
    if not connections:
        return []
    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(connections))) as pool:
        outcomes = pool.map(lambda connection: _try(connection, timeout), connections)
        return [outcome for outcome in outcomes if isinstance(outcome, UnreachableError)]


def find_controller(connections: Sequence[Connection], timeout: float = 10.0) -> tuple[IPv4Address, ...]:
    """The addresses that the machines see this controller come from, each once; unreachable machines are left out."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        outcomes = list(pool.map(lambda connection: _try(connection, timeout), connections))
    return tuple(sorted({outcome for outcome in outcomes if isinstance(outcome, IPv4Address)}))


def _try(connection: Login, timeout: float) -> IPv4Address | UnreachableError | None:
    """Log in and ask where the login came from; None where the machine does not say it."""
    with paramiko.SSHClient() as client:
        try:
            client.load_system_host_keys(connection.known_hosts or None)
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            client.connect(
                str(connection.address),
                port=connection.port,
                username=connection.user,
                pkey=paramiko.PKey.from_path(connection.private_key) if connection.private_key else None,
                allow_agent=not connection.private_key,
                look_for_keys=not connection.private_key,
                timeout=timeout,
                banner_timeout=timeout,
                auth_timeout=timeout,
            )
            _, stdout, _ = client.exec_command('printf %s "$SSH_CONNECTION"', timeout=timeout)
            return _read_origin(stdout.read(200).decode(errors="replace"))
        except (paramiko.SSHException, OSError, EOFError) as error:
            return _explain(connection, error)


def _read_origin(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text.split(" ")[0])
    except ValueError:
        return None


def _explain(connection: Login, error: Exception) -> UnreachableError:
    """The cause in words and the next step."""
    known_hosts = connection.known_hosts or str(Path.home() / ".ssh" / "known_hosts")
    login = f"{connection.user}@{connection.address}"
    match error:
        case paramiko.BadHostKeyException():
            what = "shows another host key than the one known for it"
            hint = f"if the machine was made anew, remove its line from {known_hosts}; if not, somebody is in between"
        case paramiko.AuthenticationException():
            key = connection.private_key or "none of your keys"
            what = f"does not let {connection.user} in"
            hint = (
                f"put the public key of {key} into its authorized_keys"
                if connection.private_key
                else (f"it accepted {key}: ssh-copy-id {login}")
            )
        case paramiko.SSHException() if "not found in known_hosts" in str(error):
            what = "has a host key that is not known"
            hint = f"check its fingerprint and add it: ssh -p {connection.port} {login}"
        case TimeoutError():
            what = "does not answer"
            hint = "is it running, and does a firewall let this machine through to port " + str(connection.port) + "?"
        case paramiko.ssh_exception.NoValidConnectionsError() if _is_refused(error):
            what = "answers, but nothing listens for ssh"
            hint = f"is it running, with sshd on port {connection.port}?"
        case FileNotFoundError():
            what = f"cannot be tried: {error.filename} is missing"
            hint = "in the lab, provision up --lab makes it again; elsewhere name a key that exists"
        case _:
            what = f"cannot be reached: {error or type(error).__name__}"
            hint = f"try it by hand: ssh -p {connection.port} {login}"
    return UnreachableError(f"'{connection.machine}' {what}", where=f"{login}, port {connection.port}", hint=hint)


def _is_refused(error: paramiko.ssh_exception.NoValidConnectionsError) -> bool:
    return any(isinstance(cause, ConnectionRefusedError) for cause in error.errors.values())
