"""One server start: what it logs, what it takes, how long it needs."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.gpu_cards import Meter, probe_part
from bench.gpu_deadline import Deadline
from provision.errors import RunError
from provision.models.base import Frozen

READY_S, PROMPT_S, STOP_S, SETTLE_S = 180.0, 60.0, 15.0, 10.0
_POLL_S = 0.02
_STARTS, _ENDS = "loading model tensors", "constructing llama_context"
"""load_tensors' first line, and the first after it: between them the weights are read and copied."""
_DEVICE = re.compile(r"  - (\S+) *: .*\((\d+) MiB, \d+ MiB free\)")


class Buffer(Frozen):
    """A memory line of the engine. `kind`: model, kv, recurrent, compute or output."""

    device: str
    kind: str
    mib: float


class Load(Frozen):
    """MiB by card before the start, when the server answers, and at most while it reads a prompt; None without one."""

    before: dict[str, float]
    loaded: dict[str, float]
    busy: dict[str, float] | None
    buffers: tuple[Buffer, ...]
    offered: dict[str, int]
    """What the engine sees of each of its devices, MiB."""
    tensors_s: float
    ready_s: float


class Server(Frozen):
    """How to start one. `prompt` is a path and a body to post once it is ready."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    port: int
    key: str
    prompt: tuple[str, dict[str, object]] | None


def measure_load(server: Server, meter: Meter, deadline: Deadline) -> Load:
    """Raises RunError where the server ends or is not ready in time."""
    before = meter(None)
    with _start(server) as (child, lines):
        started = time.monotonic()
        _wait_ready(server, child, lines, time.monotonic() + deadline.left(READY_S))
        ready_s = time.monotonic() - started
        loaded = meter(child.pid)
        busy = _read_prompt(server, child, meter, loaded, time.monotonic() + deadline.left(PROMPT_S))
    _wait_settled(meter, before)
    text = "".join(line for _, line in lines)
    return Load(
        before=before,
        loaded=loaded,
        busy=busy,
        buffers=tuple(Buffer(**buffer) for buffer in probe_part("engine_log").parse_load(text)["buffers"]),
        offered={name: int(mib) for name, mib in _DEVICE.findall(text)},
        tensors_s=time_tensors(lines),
        ready_s=ready_s,
    )


def time_tensors(lines: Sequence[tuple[float, str]]) -> float:
    """Seconds between the lines that begin and follow the loading of tensors, of (time, line)."""
    start = next(when for when, line in lines if _STARTS in line)
    return next(when for when, line in lines if _ENDS in line) - start


@contextmanager
def _start(server: Server) -> Iterator[tuple[subprocess.Popen[str], list[tuple[float, str]]]]:
    """The process, and its output with the time of each line. It is ended, whatever happens."""
    lines: list[tuple[float, str]] = []
    # A crash (see _read_prompt) must not wait for a debugger to print a stack.
    environment = {**os.environ, **server.environment, "GGML_NO_BACKTRACE": "1"}
    child = subprocess.Popen(
        server.argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
    )
    assert child.stdout is not None  # noqa: S101 (PIPE above)
    reader = threading.Thread(target=_read_lines, args=(child.stdout, lines), daemon=True)
    reader.start()
    try:
        yield child, lines
    finally:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(STOP_S)
        reader.join(STOP_S)


def _read_lines(stream: IO[str], lines: list[tuple[float, str]]) -> None:
    with stream:
        for line in stream:
            lines.append((time.monotonic(), line))


def _wait_ready(server: Server, child: subprocess.Popen[str], lines: Sequence[tuple[float, str]], end: float) -> None:
    while time.monotonic() < end:
        if child.poll() is not None:
            break
        if _ask(server, "GET", "/health", None, timeout=2) == 200:
            return
        time.sleep(0.05)
    told = " | ".join(line.strip() for _, line in list(lines)[-4:])
    state = f"ended with {child.returncode}" if child.returncode is not None else "was not ready in time"
    raise RunError(f"the server {state}", where=Path(server.argv[0]).name, hint=f"it said: {told[-600:]}")


def _read_prompt(
    server: Server, child: subprocess.Popen[str], meter: Meter, loaded: Mapping[str, float], end: float
) -> dict[str, float] | None:
    """The most that is in use while a prompt is read: CUDA's pool grows on first use, after all buffers are there.

    These files have no tokeniser. The server reads a prompt of token numbers and stops at the first token that it
    would write as text, which ends the process: the readings are taken until then.
    """
    if server.prompt is None:
        return None
    path, body = server.prompt
    request = threading.Thread(
        target=_ask, args=(server, "POST", path, json.dumps(body)), kwargs={"timeout": PROMPT_S}, daemon=True
    )
    request.start()
    most = dict(loaded)
    while request.is_alive() and child.poll() is None and time.monotonic() < end:
        most = {key: max(most[key], mib) for key, mib in meter(child.pid).items()}
        time.sleep(_POLL_S)
    return most


def _ask(server: Server, method: str, path: str, body: str | None, *, timeout: float) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return response.status


def _wait_settled(meter: Meter, before: Mapping[str, float]) -> None:
    """The driver takes a moment to give memory back; the next case must not start from this one's rest."""
    end = time.monotonic() + SETTLE_S
    while time.monotonic() < end and any(mib > before[key] + 1 for key, mib in meter(None).items()):
        time.sleep(0.1)
