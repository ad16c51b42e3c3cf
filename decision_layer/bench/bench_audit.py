"""What the audit trail costs, each figure beside its floor or peer, all in one run.

python -m bench.bench_audit [--directory DIR] [--seconds 10] [--kills 200]

DIR should lie on the disk that the gateway will write to. Figures are of this machine at this moment.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import rfc8785

from decision_layer.audit import canonical
from decision_layer.audit.record import Sealed
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from tests.audit.killing import kill_often
from tests.audit.samples import KEYS, decision

RATE = 100  # decisions a second
Decide = Callable[[], Awaitable[object]]


def _say(name: str, value: str) -> None:
    print(f"{name:<58} {value}", flush=True)


def _spread(times: list[float]) -> str:
    times.sort()
    return f"p50 {times[len(times) // 2] * 1e3:7.2f} ms   p99 {times[int(len(times) * 0.99)] * 1e3:7.2f} ms"


def floor(home: Path, seconds: float) -> None:
    """The disk alone: 8 kB over old bytes and one fdatasync, at the same rate."""
    path, times = home / "floor", []
    path.write_bytes(bytes(4_000_000))
    handle = os.open(path, os.O_RDWR)
    os.fsync(handle)
    for number in range(int(seconds * RATE)):
        start = time.perf_counter()
        os.pwrite(handle, bytes(8192), number % 480 * 8192)
        os.fdatasync(handle)
        times.append(time.perf_counter() - start)
        time.sleep(max(0.0, 1 / RATE - times[-1]))
    os.close(handle)
    _say(f"floor: write 8 kB + fdatasync, {RATE}/s", _spread(times))


def canonical_bytes() -> None:
    """Ours against the rfc8785 package on the same record."""
    record = decision()
    body = canonical.encode(record)
    plain = json.loads(body)
    calls: dict[str, Callable[[], bytes]] = {
        "ours, with type check": lambda: canonical.encode(record),
        "rfc8785": lambda: rfc8785.dumps(plain),
    }
    for name, call in calls.items():
        start = time.perf_counter()
        for _ in range(2000):
            call()
        _say(f"canonical bytes of {len(body)} B, {name}", f"{(time.perf_counter() - start) / 2000 * 1e6:7.1f} us")


async def at_rate(decide: Decide, seconds: float) -> list[float]:
    """Seconds that each decide() took when one starts every 1/RATE s, whatever became of those before."""
    times: list[float] = []

    async def one() -> None:
        start = time.perf_counter()
        await decide()
        times.append(time.perf_counter() - start)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * RATE)):
            group.create_task(one())
            await asyncio.sleep(max(0.0, begin + (number + 1) / RATE - time.perf_counter()))
    return times


async def saturated(decide: Decide, seconds: float, tasks: int = 64) -> float:
    """Decisions a second when 64 clients ask without pause."""
    end, done = time.perf_counter() + seconds, itertools.count()

    async def client() -> None:
        while time.perf_counter() < end:
            await decide()
            next(done)

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(tasks)))
    return next(done) / (time.perf_counter() - begin)


async def store(home: Path, seconds: float) -> None:
    """Our store: plain, and with a sealed part of 2 kB from 500 subjects."""
    log = home / "log"
    log.mkdir()
    subjects = itertools.cycle([KEYS.pseudonym(str(number)) for number in range(500)])
    own = LogStore.open(SqliteBackend(log), KEYS)

    async def plain() -> object:
        return await own.decide(decision())

    async def sealed() -> object:
        return await own.decide(decision(), Sealed(next(subjects), bytes(2048)))

    await at_rate(plain, 2)
    _say(f"decide, {RATE}/s", _spread(await at_rate(plain, seconds)))
    await asyncio.gather(*(sealed() for _ in range(500)))  # every subject has its key
    _say(f"decide with 2 kB sealed, {RATE}/s", _spread(await at_rate(sealed, seconds)))
    for name, call in (
        ("decide, saturated, 64 clients", plain),
        ("decide with 2 kB sealed, saturated, 64 clients", sealed),
    ):
        before, cpu, rate = own.health(), time.process_time(), await saturated(call, seconds)
        after, cpu = own.health(), time.process_time() - cpu
        stored = after.stored - before.stored
        shared = stored / (after.batches - before.batches)
        _say(name, f"{rate:7.0f} /s   {shared:.1f} per fsync   {cpu / stored * 1e6:.0f} us of processor each")
    await own.close()


async def without_disk(seconds: float) -> None:
    """The same decide() where an fsync costs nothing: our own share of the time."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        own = LogStore.open(SqliteBackend(Path(name)), KEYS)

        async def plain() -> object:
            return await own.decide(decision())

        await at_rate(plain, 2)
        _say(f"decide, {RATE}/s, in memory (own share)", _spread(await at_rate(plain, seconds)))
        await own.close()


def peer(home: Path, seconds: float) -> None:
    """What a gateway does without group commit: one insert with its own fsync per record."""
    link = sqlite3.connect(home / "peer.sqlite", isolation_level=None)
    link.execute("PRAGMA journal_mode=WAL")
    link.execute("PRAGMA synchronous=FULL")
    link.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, body BLOB)")
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        link.execute("INSERT INTO entries (body) VALUES (?)", (canonical.encode(decision()),))
        count += 1
    link.close()
    _say("peer: one synchronous INSERT per record, saturated", f"{count / seconds:7.0f} /s")


async def verifying(entries: int = 200_000) -> None:
    """Verify, with and without the secret; wall clock and processor time differ on a busy machine."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        own = LogStore.open(SqliteBackend(Path(name)), KEYS)
        for _ in range(entries // 250):
            await asyncio.gather(*(own.decide(decision()) for _ in range(250)))
        await own.close()
        for what, keys in (("with the secret", KEYS), ("with the public key", None)):
            wall, cpu = time.perf_counter(), time.process_time()
            report = verify(SqliteBackend(Path(name)), None, KEYS.publics, keys)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert report.entries == entries
            assert not report.troubles
            _say(
                f"verify {entries} entries {what}",
                f"{entries / wall:7.0f} /s   {entries / cpu:7.0f} per processor second",
            )


def killing(home: Path, rounds: int) -> None:
    """kill -9 under load; what was acknowledged and is not there must be 0."""
    (home / "kill").mkdir()
    killed = kill_often(home / "kill", rounds, seed=1)
    _say(f"kill -9, {rounds} times", f"{killed.acknowledged} acknowledged, {killed.lost} lost")
    _say("verify after each", f"{len(killed.troubles)} troubles")
    for trouble in killed.troubles[:5]:
        print(trouble)


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path.cwd())
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--kills", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.directory, prefix=".bench-") as name:
        home = Path(name)
        floor(home, args.seconds)
        canonical_bytes()
        asyncio.run(store(home, args.seconds))
        floor(home, args.seconds)  # again, because a disk that others use is not the same a minute later
        asyncio.run(without_disk(args.seconds))
        peer(home, args.seconds)
        asyncio.run(verifying())
        if args.kills:
            killing(home, args.kills)


if __name__ == "__main__":
    main()
