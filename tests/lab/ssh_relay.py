"""A port of this machine that leads to one on a machine of the stack, whose sshd forwards nothing (DisableForwarding).

Each connection is a command of its own there, which carries bytes between its standard streams and the port.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.lab.standing import Stack

_CARRY = """
import os, socket, sys, threading
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def send():
    while data := os.read(0, 65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := there.recv(65536):
    os.write(1, data)
"""


@contextmanager
def relay(stack: Stack, machine: str, address: str, port: int) -> Iterator[str]:
    """http://127.0.0.1:PORT that ends at `address`:`port` as seen from `machine`."""
    command = shlex.join(["/usr/bin/python3", "-I", "-c", _CARRY, address, str(port)])
    argv = [sys.executable, "-m", "provision.cli.main", "ssh", machine, *stack.choice, "--", command]
    started: list[subprocess.Popen[bytes]] = []

    def accept() -> None:
        with suppress(OSError):  # the listening socket was closed
            while True:
                connection, _ = listening.accept()
                with connection:
                    both = connection.fileno()
                    one = subprocess.Popen(argv, stdin=both, stdout=both, env=stack.environment)
                started.append(one)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for one in started:
                one.terminate()
                one.wait()
