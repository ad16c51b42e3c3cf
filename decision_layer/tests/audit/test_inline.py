"""Who commits: the event loop while the disk is fast and few wait, else the writer's thread."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from decision_layer.audit.append import insert
from decision_layer.audit.inline import _MANY
from decision_layer.audit.record import Sealed
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, decision, outcome
from tests.audit.stores import LIMIT_S, open_store

Threads = list[str]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    """The names of the threads that inserted, one for each commit."""
    seen: Threads = []

    def noting(*given: object) -> object:
        seen.append(threading.current_thread().name)
        return insert(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("decision_layer.audit.writer.insert", noting)
    return seen


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every disk counts as a fast one, whatever else the machine does."""
    monkeypatch.setattr("decision_layer.audit.writer._FAST_S", 10.0)


def sealed(subject: str = "") -> Sealed:
    return Sealed(subject, b"facts")


async def opened(home: Path) -> LogStore:
    """A store whose keys are made: the first that is sealed needs them from the thread."""
    store = open_store(SqliteBackend(home))
    await store.decide(decision(), sealed())
    await asyncio.sleep(0.05)
    return store


def assert_whole(home: Path, entries: int) -> None:
    report = verify(SqliteBackend(home), None, KEYS.publics, KEYS)
    assert (report.entries, report.troubles) == (entries, [])


@pytest.mark.usefixtures("fast")
def test_one_after_the_other_by_the_loop_with_the_outcome_before(tmp_path: Path, threads: Threads) -> None:
    async def run() -> None:
        store = await opened(tmp_path)
        threads.clear()
        first, second = decision(), decision()
        await store.decide(first, sealed())
        waiting = asyncio.ensure_future(store.append(outcome(first.record_id)))
        await asyncio.sleep(0)
        await store.decide(second, sealed())
        assert (await waiting).seq == 3
        assert threads == ["MainThread"] * 2  # the outcome came with the second decision
        await store.close()

    asyncio.run(run())
    assert_whole(tmp_path, 4)


@pytest.mark.usefixtures("fast")
def test_an_outcome_alone_by_the_thread(tmp_path: Path, threads: Threads) -> None:
    async def run() -> None:
        store = await opened(tmp_path)
        one = decision()
        await store.decide(one)
        threads.clear()
        await store.append(outcome(one.record_id))
        assert threads == ["audit-writer"]
        await store.close()

    asyncio.run(run())


@pytest.mark.usefixtures("fast")
def test_many_at_once_by_the_thread(tmp_path: Path, threads: Threads) -> None:
    async def run() -> None:
        store = await opened(tmp_path)
        threads.clear()
        await asyncio.gather(*(store.decide(decision(), sealed()) for _ in range(_MANY)))
        assert set(threads) == {"audit-writer"}
        await store.close()

    asyncio.run(run())


@pytest.mark.usefixtures("fast")
def test_a_subject_that_is_new_by_the_thread_then_by_the_loop(tmp_path: Path, threads: Threads) -> None:
    async def run() -> None:
        store = await opened(tmp_path)
        threads.clear()
        for _ in range(2):
            await store.decide(decision(), sealed("someone"))
            await asyncio.sleep(0.05)
        assert threads == ["audit-writer", "MainThread"]
        await store.close()

    asyncio.run(run())


def test_a_slow_disk_is_left_to_the_thread(tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        store = await opened(tmp_path)
        monkeypatch.setattr(store._writer, "_still_there", lambda: time.sleep(0.03))
        await store.decide(decision())
        threads.clear()
        began = time.monotonic()
        waiting = asyncio.ensure_future(store.decide(decision()))
        await asyncio.sleep(0.001)
        assert time.monotonic() - began < 0.025  # others go on meanwhile
        await waiting
        assert threads == ["audit-writer"]
        await store.close()

    asyncio.run(run())


@pytest.mark.usefixtures("fast")
def test_a_lock_of_another_process_is_waited_for_in_the_thread(tmp_path: Path) -> None:
    async def run() -> None:
        store = await opened(tmp_path)
        other = SqliteBackend(tmp_path).open_log(create=False, wait_s=1)
        longest, last = 0.0, time.monotonic()
        with other.locked():
            waiting = asyncio.ensure_future(store.decide(decision()))
            for _ in range(20):
                await asyncio.sleep(0.01)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert longest < LIMIT_S / 4
        await waiting
        other.close()
        await store.close()

    asyncio.run(run())


@pytest.mark.usefixtures("fast")
def test_closing_stores_what_waits(tmp_path: Path) -> None:
    async def run() -> None:
        store = await opened(tmp_path)
        one = decision()
        await store.decide(one)
        waiting = asyncio.ensure_future(store.append(outcome(one.record_id)))
        await asyncio.sleep(0)
        await store.close()
        assert (await waiting).seq == 3

    asyncio.run(run())
    assert_whole(tmp_path, 3)
