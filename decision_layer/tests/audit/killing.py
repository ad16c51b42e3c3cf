"""kill -9 of a writing process, again and again on the same log: what it acknowledged must be there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from decision_layer.audit.backend import Server
from decision_layer.audit.backends import make_backend
from decision_layer.audit.reader import LogReader
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS

_HERE = Path(__file__).parents[2]


class Killed(NamedTuple):
    """All rounds together: decisions acknowledged, those that are not in the log, what verify found."""

    acknowledged: int
    lost: int
    troubles: list[str]


def kill_often(home: Path, rounds: int, seed: int, tasks: int = 20, server: Server | None = None) -> Killed:
    """Start, let it write for up to 0.3 s, kill; `home` gets the log (or its checkpoints) and the second place."""
    chance = random.Random(seed)  # noqa: S311 - to be the same each time
    directory, second = home / "log", home / "second"
    directory.mkdir()
    second.mkdir()
    backend = make_backend(directory, server)
    where = [str(part) for part in server or ()]
    said: list[str] = []
    troubles: list[str] = []
    for _ in range(rounds):
        command = [sys.executable, "-m", "tests.audit.writer_child", str(directory), str(second), str(tasks), *where]
        with subprocess.Popen(command, cwd=_HERE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            first = child.stdout.readline()
            time.sleep(chance.random() * 0.3)
            child.send_signal(signal.SIGKILL)
            lines = (first + child.stdout.read()).decode().splitlines(keepends=True)
        said += [line.strip() for line in lines if line.endswith("\n")]
        troubles += [str(trouble) for trouble in verify(backend, second, KEYS.publics, KEYS).troubles]
    stored = {row.record_id for row in LogReader(backend).after(0) if row.kind == "decision"}
    return Killed(len(said), sum(1 for one in said if one not in stored), troubles)
