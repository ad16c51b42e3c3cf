"""An ssh server on loopback that runs what it is asked, with a written node's programs first in PATH.

paramiko's server, so that no sshd has to be installed; the client is the real one.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED


class NodeServer(paramiko.ServerInterface):
    """Lets one key in as anybody; keeps the commands it was asked to run."""

    def __init__(self, allowed: paramiko.PKey, programs: Path) -> None:
        self.allowed = allowed
        self.programs = programs
        self.commands: list[str] = []

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002 - paramiko's interface
        return AUTH_SUCCESSFUL if key == self.allowed else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command.decode())
        threading.Thread(target=self._run, args=(channel, command.decode()), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        given = b""
        # The first request of a login has no input, and does not end it.
        while command.startswith("python3") and (part := channel.recv(65536)):
            given += part
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "SSH_CONNECTION": "127.0.0.1 5 127.0.0.1 22"}
        done = subprocess.run(["/bin/sh", "-c", command], input=given, capture_output=True, env=environment, timeout=60)
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        channel.send_exit_status(done.returncode)
        channel.close()


@contextmanager
def serve_node(server: NodeServer, host_key: paramiko.PKey) -> Iterator[int]:
    """The port on 127.0.0.1 at which the server answers."""
    transports: list[paramiko.Transport] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        threading.Thread(target=_accept, args=(listener, server, host_key, transports), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for transport in transports:
        transport.close()


def _accept(
    listener: socket.socket, server: NodeServer, host_key: paramiko.PKey, transports: list[paramiko.Transport]
) -> None:
    while True:
        try:
            connection, _ = listener.accept()
            transport = paramiko.Transport(connection)
            transport.add_server_key(host_key)
            transports.append(transport)
            transport.start_server(event=threading.Event(), server=server)
        except (OSError, EOFError, paramiko.SSHException):
            if listener.fileno() == -1 or not transports:
                return
            continue
