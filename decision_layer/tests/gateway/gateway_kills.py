"""kill -9 of the whole gateway under load, again and again on the same log."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.verify import verify
from tests.gateway.running import ROOT, Lab, running_mocks

CLIENTS = 16


class Killed(NamedTuple):
    """Answers that clients got, those without a record, bodies at the engine's socket, those without one, troubles."""

    kills: int
    answers: int
    answers_unrecorded: int
    bodies: int
    bodies_unrecorded: int
    troubles: list[str]


class Load:
    """Clients without pause; what they were told, and what each of their bodies hashes to."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.hashes: dict[str, str] = {}
        self.records: list[str] = []

    async def until_killed(self, kill_after_s: float, pid: int, *, answered: bool) -> None:
        """`answered`: the time begins with the first answer, so that a busy machine gives some."""
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {self.lab.key}"}) as session:
            clients = [asyncio.create_task(self._client(session)) for _ in range(CLIENTS)]
            known, latest = len(self.records), time.monotonic() + 30
            while answered and len(self.records) == known and time.monotonic() < latest:
                await asyncio.sleep(0.01)
            await asyncio.sleep(kill_after_s)
            os.kill(pid, signal.SIGKILL)
            await asyncio.wait(clients)

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while True:
            marker = f"marker{len(self.hashes)}x"
            body = {"model": "auto", "messages": [{"role": "user", "content": f"{marker} What is the time?"}]}
            raw = json.dumps({**body, "stream": len(self.hashes) % 2 == 0}).encode()
            self.hashes[marker] = hashlib.sha256(raw).hexdigest()
            try:
                async with session.post(self.lab.url + "/v1/chat/completions", data=raw) as answer:
                    if "x-decision-record" in answer.headers:
                        self.records.append(answer.headers["x-decision-record"])
                    await answer.read()
            except (aiohttp.ClientError, OSError):
                return


@contextmanager
def forking(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "tests.gateway.forking", str(lab.settings)]
    log = (lab.folder / "stderr").open("ab")
    with log, subprocess.Popen(argv, cwd=ROOT, stdin=-1, stdout=-1, stderr=log, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def start(lab: Lab, forks: subprocess.Popen[str]) -> int:
    """The process id of a gateway that answers."""
    assert forks.stdin is not None
    assert forks.stdout is not None
    forks.stdin.write("start\n")
    forks.stdin.flush()
    pid = int(forks.stdout.readline())
    lab.wait_until_up()
    return pid


def kill_gateways(folder: Path, kills: int, seed: int, *, verify_each: int = 20) -> Killed:
    """Up to half a second of load, then the kill; the log is verified after each `verify_each` kills and at the end."""
    chance = random.Random(seed)  # noqa: S311 - to be the same each time
    troubles: list[str] = []
    with running_mocks(folder) as lab, forking(lab) as forks:
        load = Load(lab)
        for number in range(1, kills + 1):
            pid = start(lab, forks)
            asyncio.run(load.until_killed(chance.random() * 0.5, pid, answered=number % 5 > 0))
            if number % verify_each == 0 or number == kills:
                troubles += find_troubles(lab)
        seen = "\n".join(item["raw"] for item in lab.seen("home"))
    stored, inputs = read_decisions(lab)
    arrived = [marker for marker in load.hashes if marker in seen]
    return Killed(
        kills,
        len(load.records),
        sum(record not in stored for record in load.records),
        len(arrived),
        sum(load.hashes[marker] not in inputs for marker in arrived),
        troubles,
    )


def find_troubles(lab: Lab) -> list[str]:
    keys = AuditKeys.read(lab.folder / "credentials" / "audit")
    report = verify(SqliteBackend(lab.folder / "state" / "audit"), lab.folder / "second", keys.publics, keys)
    return [str(trouble) for trouble in report.troubles]


def read_decisions(lab: Lab) -> tuple[set[str], set[str]]:
    """Record ids, and hashes of the inputs, of all decisions."""
    entries = [row.entry for row in LogReader(SqliteBackend(lab.folder / "state" / "audit")).after(0)]
    decisions = [entry for entry in entries if isinstance(entry, Decision)]
    return {entry.record_id for entry in decisions}, {entry.input_sha256 for entry in decisions}
