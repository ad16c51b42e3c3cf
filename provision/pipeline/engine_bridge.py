"""A socket of this machine that leads to a model server of the stack, through the ssh that provision has anyway.

The servers listen on the stack's private network, which this machine may not enter, and sshd forwards nothing there
(roles/base). So each connection is one ssh session whose remote end opens the server's port. The servers' own keys
are needed all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from provision.models.plan import EngineInstance, Plan
from provision.pipeline.connect import ssh_to

_BLOCK = 65_536
REMOTE = """
import os, socket, sys, threading
server = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def send():
    while data := os.read(0, 65536):
        server.sendall(data)
    server.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := server.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""
"""Runs on the engine's machine: copies between its standard streams and one connection."""


def bridge_command(plan: Plan, engine: EngineInstance) -> list[str]:
    """argv whose standard streams are a connection to the engine's port."""
    machine = next(machine for machine in plan.machines if machine.name == engine.machine)
    return ssh_to(plan, engine.machine, (remote_command(str(machine.address), plan.entry_port(engine)),))


def remote_command(address: str, port: int) -> str:
    """What ssh runs there, quoted for the shell that it goes through."""
    return shlex.join(["python3", "-c", REMOTE, address, str(port)])


@asynccontextmanager
async def bridge(command: list[str]) -> AsyncIterator[Path]:
    """The path of a socket (0700 folder) for the time of the context; every connection to it runs `command` once."""
    with tempfile.TemporaryDirectory(prefix="provision-bridge-") as folder:
        path = Path(folder) / "engine"
        open_connections: set[asyncio.Task[None]] = set()

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(_serve(command, reader, writer))
            open_connections.add(task)
            task.add_done_callback(open_connections.discard)

        server = await asyncio.start_unix_server(serve, path)
        try:
            yield path
        finally:
            server.close()
            for task in open_connections:
                task.cancel()
            await asyncio.gather(*open_connections, return_exceptions=True)


async def _serve(command: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    assert process.stdin  # noqa: S101 - both are pipes
    assert process.stdout  # noqa: S101
    upward = asyncio.create_task(_copy(reader, process.stdin))
    try:
        await _copy(process.stdout, writer)
    finally:
        upward.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, OSError):
        while data := await source.read(_BLOCK):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(ConnectionError, OSError):
        sink.close()
