"""Decisions that were left without an outcome get one at the next start, and no other does."""

from __future__ import annotations

import asyncio
import logging
import time

import msgspec
import pytest

from decision_layer.audit import interrupted, maintain
from decision_layer.audit.backend import Backend
from decision_layer.audit.interrupted import close_interrupted, find_interrupted
from decision_layer.audit.maintain import Reason
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Outcome
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, challenge, decision, outcome

HOST = "gateway"  # of the samples


async def leave(backend: Backend, *, without: int, host: str = HOST, after: int = 0) -> list[str]:
    """Some decisions without outcome, then so many with one; the ids of the former. As a killed gateway leaves them."""
    store = LogStore.open(backend, KEYS)
    left = [decision(host=host) for _ in range(without)]
    await asyncio.gather(*(store.decide(record) for record in left))
    for _ in range(after):
        record = decision()
        await store.decide(record)
        await store.append(outcome(record.record_id))
    await store.close()
    return [record.record_id for record in left]


def start(backend: Backend) -> int:
    """As the gateway begins, until its first request."""

    async def run() -> int:
        store = LogStore.open(backend, KEYS)
        closed = await close_interrupted(LogReader(backend), store, HOST)
        await store.close()
        return closed

    return asyncio.run(run())


def outcomes(backend: Backend, record_id: str) -> list[Outcome]:
    entries = [row.entry for row in LogReader(backend).of(record_id)]
    return [entry for entry in entries if isinstance(entry, Outcome)]


def test_they_are_closed_once_and_the_chain_holds(backend: Backend) -> None:
    mine = asyncio.run(leave(backend, without=5, after=3))
    others = asyncio.run(leave(backend, without=2, host="another"))
    contested = mine[0]

    async def contest() -> None:
        store = LogStore.open(backend, KEYS)
        await store.append(challenge(contested))
        await store.close()

    asyncio.run(contest())
    before = time.time()
    assert start(backend) == 5
    for record_id in mine:
        (said,) = outcomes(backend, record_id)
        assert (said.result, said.status, said.hops, said.error) == ("interrupted", 0, (), interrupted.WHY)
        assert said.finished_at.timestamp() >= before - 1
    assert [outcomes(backend, record_id) for record_id in others] == [[], []]
    assert start(backend) == 0
    report = verify(backend, None, KEYS.publics, KEYS)
    assert (report.troubles, report.entries, report.attested) == ([], 5 + 6 + 2 + 1 + 5, 19)


def test_the_look_back_is_bounded(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = asyncio.run(leave(backend, without=2, after=3))
    monkeypatch.setattr(interrupted, "LOOK_BACK", 7)
    assert find_interrupted(LogReader(backend), HOST) == [second]
    monkeypatch.setattr(interrupted, "LOOK_BACK", 8)
    assert find_interrupted(LogReader(backend), HOST) == [first, second]
    monkeypatch.setattr(interrupted, "MOST", 1)
    assert find_interrupted(LogReader(backend), HOST) == [second]


def test_what_retention_took_is_left(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(leave(backend, without=2))
    in_a_day = time.time_ns() + 2 * 86_400 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: in_a_day)
    assert maintain.retain(backend, KEYS, 1, Reason("law", "test"), shorter=True).entries == 2
    monkeypatch.undo()
    assert start(backend) == 0
    assert verify(backend, None, KEYS.publics, KEYS).troubles == []


@pytest.mark.parametrize("fault", ["slow", "damaged"])
def test_a_start_neither_waits_nor_fails_for_it(
    backend: Backend, fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(reader: LogReader, host: str) -> list[str]:
        if fault == "damaged":
            raise msgspec.DecodeError("truncated")
        time.sleep(1.5)
        return ["never"]

    async def run() -> tuple[int, float]:
        store = LogStore.open(backend, KEYS)
        began = time.monotonic()
        closed = await close_interrupted(LogReader(backend), store, HOST)
        took = time.monotonic() - began
        await store.close()
        return closed, took

    monkeypatch.setattr(interrupted, "find_interrupted", fail)
    with caplog.at_level(logging.WARNING):
        closed, took = asyncio.run(run())
    assert (closed, took < 1.3) == (0, True)
    assert "left as they are" in caplog.text
