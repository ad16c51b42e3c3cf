"""SQLite's write-ahead log goes into the file beside the commits, and stays bounded."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from decision_layer.audit import sqlite, wal
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from decision_layer.audit.wal import WalFlusher
from tests.audit.samples import KEYS, decision

_DEFAULT = 1000 * 4096  # bytes at which a commit would do it by itself


async def _decide(store: LogStore, number: int) -> None:
    for _ in range(number // 200):
        await asyncio.gather(*(store.decide(decision()) for _ in range(200)))


def test_no_commit_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WalFlusher, "run", lambda self: None)

    async def run() -> None:
        store = LogStore.open(SqliteBackend(tmp_path), KEYS)
        before = (tmp_path / "audit.sqlite").stat().st_size
        await _decide(store, 4000)
        assert (tmp_path / "audit.sqlite").stat().st_size == before
        assert (tmp_path / "audit.sqlite-wal").stat().st_size > _DEFAULT
        await store.close()

    asyncio.run(run())


def test_the_flusher_does_it_by_entries_and_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "_EVERY_S", 0.5)

    async def run() -> None:
        store = LogStore.open(SqliteBackend(tmp_path), KEYS)
        await _decide(store, 3000)
        await asyncio.sleep(1.0)
        full = (tmp_path / "audit.sqlite").stat().st_size
        assert full > 3000 * 1500
        await _decide(store, 200)  # too few to be due by number
        await asyncio.sleep(1.0)
        assert (tmp_path / "audit.sqlite").stat().st_size > full
        await store.close()

    asyncio.run(run())
    report = verify(SqliteBackend(tmp_path), None, KEYS.publics, KEYS)
    assert (report.entries, report.troubles) == (3200, [])


def test_without_the_flusher_a_commit_bounds_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WalFlusher, "run", lambda self: None)
    monkeypatch.setattr(sqlite, "BACKSTOP_PAGES", 500)

    async def run() -> None:
        store = LogStore.open(SqliteBackend(tmp_path), KEYS)
        await _decide(store, 4000)
        assert (tmp_path / "audit.sqlite-wal").stat().st_size < _DEFAULT
        await store.close()

    asyncio.run(run())


def test_a_reader_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long read holds the log's end; flusher and writer go on, and what was left follows when it is over."""
    monkeypatch.setattr(wal, "_EVERY_S", 0.2)

    async def run() -> None:
        store = LogStore.open(SqliteBackend(tmp_path), KEYS)
        await _decide(store, 200)
        with contextlib.closing(sqlite3.connect(tmp_path / "audit.sqlite", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM entries").fetchone()
            await _decide(store, 2000)
            await asyncio.sleep(0.6)
            held = (tmp_path / "audit.sqlite").stat().st_size
            await store.decide(decision())
            assert reader.execute("SELECT count(*) FROM entries").fetchone() == (200,)
            reader.execute("COMMIT")
        await store.decide(decision())
        await asyncio.sleep(0.6)
        assert (tmp_path / "audit.sqlite").stat().st_size > held
        await store.close()

    asyncio.run(run())
