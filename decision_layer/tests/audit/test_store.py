"""decide() returns when the record is on disk, and one entry at fault harms no other."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from decision_layer.audit.backend import Backend
from decision_layer.audit.errors import AuditRecordError
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Sealed
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, decision, outcome
from tests.audit.stores import open_store


def test_what_was_decided_is_stored_at_once(backend: Backend, tmp_path: Path) -> None:
    async def run() -> None:
        store = open_store(backend)
        record = decision()
        stored = await store.decide(record, Sealed(KEYS.pseudonym("anna"), b"the input"))
        await store.append(outcome(record.record_id))
        found = LogReader(backend).of(record.record_id)
        assert [row.kind for row in found] == ["decision", "outcome"]
        assert (found[0].seq, found[0].hash, found[0].entry) == (stored.seq, stored.hash, record)
        assert LogReader(backend).open_sealed(found[0], KEYS) == Sealed(KEYS.pseudonym("anna"), b"the input")
        await store.close()

    asyncio.run(run())
    assert b"the input" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_many_that_wait_share_one_fsync(backend: Backend) -> None:
    async def run() -> None:
        store = open_store(backend)
        await asyncio.gather(*(store.decide(decision()) for _ in range(200)))
        assert store.health().stored == 200
        assert store.health().batches < 40
        await store.close()

    asyncio.run(run())


def test_a_second_decision_with_the_same_id_is_refused_and_takes_nobody_with_it(backend: Backend) -> None:
    async def run() -> None:
        store = open_store(backend)
        twice = decision()
        entries = [decision(), twice, twice, decision()]
        answers = await asyncio.gather(*(store.decide(one) for one in entries), return_exceptions=True)
        assert [type(one).__name__ for one in answers] == ["Stored", "Stored", "AuditRecordError", "Stored"]
        await store.close()

    asyncio.run(run())
    report = verify(backend, None, KEYS.publics, KEYS)
    assert (report.entries, report.troubles) == (3, [])


def test_two_processes_may_append(backend: Backend) -> None:
    async def run() -> None:
        one, two = open_store(backend), open_store(backend)
        await asyncio.gather(*(store.decide(decision()) for _ in range(40) for store in (one, two)))
        await one.close()
        await two.close()

    asyncio.run(run())
    report = verify(backend, None, KEYS.publics, KEYS)
    assert (report.entries, report.troubles) == (80, [])


def test_a_record_at_fault_is_told_from_a_store_at_fault(backend: Backend) -> None:
    async def run() -> None:
        store = open_store(backend)
        with pytest.raises(AuditRecordError):
            await store.decide(decision(rule="\udc80"))
        await store.close()

    asyncio.run(run())


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    async def run() -> None:
        store = open_store(SqliteBackend(tmp_path))
        await store.decide(decision(), Sealed(KEYS.pseudonym("anna"), b"x"))
        names = ["audit.sqlite", "audit.sqlite-wal", "keys.sqlite", "keys.sqlite-wal"]
        assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in names] == ["0o600"] * 4
        await store.close()

    asyncio.run(run())


def test_every_commit_is_flushed(tmp_path: Path) -> None:
    link = SqliteBackend(tmp_path).open_log(create=True, wait_s=1)
    assert link.query("PRAGMA synchronous") == [(2,)]
    assert link.query("PRAGMA journal_mode") == [("wal",)]
    assert os.environ.get("SQLITE_DISABLE_FSYNC") is None
