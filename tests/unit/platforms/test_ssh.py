"""Reachability against a real ssh server on loopback: each way in which a login fails has a message of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from provision.models.inventory import Connection
from provision.platforms.ssh import check_reachable, find_controller


class _Server(paramiko.ServerInterface):
    """Lets one key in and answers the one command that is asked."""

    def __init__(self, allowed: paramiko.PKey) -> None:
        self.allowed = allowed
        self.commands: list[bytes] = []

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002 - paramiko's interface
        return AUTH_SUCCESSFUL if key == self.allowed else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command)

        def answer() -> None:
            channel.send(b"127.0.0.1 50000 127.0.0.1 22")
            channel.send_exit_status(0)
            channel.close()

        threading.Timer(0.02, answer).start()
        return True


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, paramiko.PKey]:
    made = {name: paramiko.ECDSAKey.generate() for name in ("host", "client", "other")}
    for name, key in made.items():
        key.write_private_key_file(str(tmp_path / name))
    return dict(made)


@pytest.fixture
def served(listener: socket.socket, keys: dict[str, paramiko.PKey]) -> Iterator[_Server]:
    server = _Server(keys["client"])
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(keys["host"])
            transports.append(transport)
            try:
                transport.start_server(server=server)
            except (paramiko.SSHException, EOFError, OSError):
                continue  # the client ended the connection: what it made of that is the test's business

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server
    listener.shutdown(socket.SHUT_RDWR)
    for transport in transports:
        transport.close()


Connect = Callable[..., Connection]


@pytest.fixture
def connect(listener: socket.socket, keys: dict[str, paramiko.PKey], tmp_path: Path) -> Connect:
    """A connection to the server above; `known` says which key known_hosts names for it."""
    port = listener.getsockname()[1]

    def make(*, known: str | None = "host", key: str = "client") -> Connection:
        line = f"[127.0.0.1]:{port} {keys[known].get_name()} {keys[known].get_base64()}\n" if known else "# nobody\n"
        (tmp_path / "known_hosts").write_text(line)
        return Connection(
            machine="engine",
            address=IPv4Address("127.0.0.1"),
            port=port,
            user="root",
            private_key=str(tmp_path / key),
            known_hosts=str(tmp_path / "known_hosts"),
        )

    return make


def only_error(connection: Connection, timeout: float = 5.0) -> str:
    errors = check_reachable([connection], timeout)
    assert len(errors) == 1
    assert "127.0.0.1" in errors[0].where
    return f"{errors[0].what}\n{errors[0].hint}"


def test_a_machine_that_lets_us_in_is_reachable(served: _Server, connect: Connect) -> None:
    assert check_reachable([connect()], 5.0) == []
    assert find_controller([connect(), connect()], 5.0) == (IPv4Address("127.0.0.1"),)
    assert set(served.commands) == {b'printf %s "$SSH_CONNECTION"'}


def test_an_unknown_host_key_is_refused(served: _Server, connect: Connect) -> None:
    assert "host key that is not known" in only_error(connect(known=None))
    assert served.commands == []


def test_a_changed_host_key_is_refused(served: _Server, connect: Connect) -> None:
    assert "another host key" in only_error(connect(known="other"))
    assert served.commands == []


def test_a_key_that_is_not_allowed(served: _Server, connect: Connect) -> None:
    assert "does not let root in" in only_error(connect(key="other"))


def test_a_server_that_says_nothing(connect: Connect) -> None:
    assert "engine" in only_error(connect(), timeout=0.3)


def test_nothing_listens(listener: socket.socket, connect: Connect) -> None:
    connection = connect()
    listener.close()
    assert "nothing listens" in only_error(connection)


def test_files_that_are_missing(connect: Connect, tmp_path: Path) -> None:
    connection = connect().model_copy(update={"known_hosts": str(tmp_path / "absent")})
    assert f"{tmp_path / 'absent'} is missing" in only_error(connection)


def test_every_machine_is_tried(connect: Connect, listener: socket.socket) -> None:
    connection = connect()
    listener.close()
    machines = [connection.model_copy(update={"machine": f"m{n}"}) for n in range(3)]
    assert [error.what.split("'")[1] for error in check_reachable(machines, 2.0)] == ["m0", "m1", "m2"]
    assert check_reachable([], 1.0) == []
