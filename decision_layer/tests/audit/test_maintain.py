"""Retention and erasure take contents out for good, and the chain still verifies."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from decision_layer.audit import append, maintain, writer
from decision_layer.audit.backend import Backend
from decision_layer.audit.errors import AuditRecordError
from decision_layer.audit.maintain import DEFAULT_DAYS, Reason
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision, Sealed, Tombstone
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, challenge, decision, outcome

WHY = Reason("GDPR Art. 17(1)", "dpo")
DAY_US = 86_400_000_000


def _troubles(backend: Backend) -> list[str]:
    return [str(trouble) for trouble in verify(backend, None, KEYS.publics, KEYS).troubles]


def _bytes(backend: Backend) -> bytes:
    """All that anyone can read: SQLite's files past SQLite, PostgreSQL's rows."""
    if isinstance(backend, SqliteBackend):
        return b"".join(path.read_bytes() for path in backend.directory.iterdir())
    with backend.read_log() as link:
        rows = link.query("SELECT record_id, body, sealed FROM entries") + link.query("SELECT subject FROM keys")
    return b"".join(value.encode() if isinstance(value, str) else value for row in rows for value in row if value)


def test_erasure_destroys_one_subject_and_leaves_the_others(backend: Backend) -> None:
    anna, bert = KEYS.pseudonym("Anna"), KEYS.pseudonym("Bert")

    async def run() -> None:
        store = LogStore.open(backend, KEYS)
        known = [decision() for _ in range(6)]
        for number, record in enumerate(known):
            await store.decide(record, Sealed(anna if number % 2 else bert, b"text %d" % number))
        old = LogReader(backend).of(known[1].record_id)[0]
        assert anna.encode() in _bytes(backend)
        assert maintain.erase(backend, KEYS, "anna ", WHY) == (3, 1)
        assert anna.encode() not in _bytes(backend)
        assert old.sealed is not None
        assert old.sealed not in _bytes(backend)
        reader = LogReader(backend)
        assert reader.open_sealed(old, KEYS) is None  # as from a backup: the ciphertext is there, its key is not
        assert reader.open_sealed(reader.of(known[0].record_id)[0], KEYS) == Sealed(bert, b"text 0")
        assert isinstance(reader.of(known[1].record_id)[0].entry, Decision)  # what was decided stays
        # The gateway went on running: it must not seal under the key that is gone.
        later = decision()
        await store.decide(later, Sealed(anna, b"a new text"))
        assert reader.open_sealed(reader.of(later.record_id)[0], KEYS) == Sealed(anna, b"a new text")
        await store.close()

    asyncio.run(run())
    assert _troubles(backend) == []
    assert maintain.erase(backend, KEYS, "nobody", WHY) == (0, 0)


def test_an_interrupted_erasure_is_ended_by_the_next(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        store = LogStore.open(backend, KEYS)
        for _ in range(3):
            await store.decide(decision(), Sealed(KEYS.pseudonym("anna"), b"x"))
        await store.close()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    asyncio.run(run())
    with monkeypatch.context() as patched:
        patched.setattr(maintain, "_bury", crash)
        with pytest.raises(KeyboardInterrupt):
            maintain.erase(backend, KEYS, "anna", WHY)
    assert any("no tombstone says why" in trouble for trouble in _troubles(backend))
    assert maintain.erase(backend, KEYS, "anna", WHY) == (3, 1)
    assert _troubles(backend) == []


def test_retention_takes_old_bodies_but_none_with_an_open_challenge(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, contested, settled, fresh = decision(), decision(), decision(), decision()

    async def run() -> None:
        store = LogStore.open(backend, KEYS)
        with monkeypatch.context() as patched:
            now = time.time_ns()
            patched.setattr("decision_layer.audit.append.time.time_ns", lambda: now - 200 * DAY_US * 1000)
            for record in (old, contested, settled):
                await store.decide(record, Sealed("", b"its input"))
                await store.append(outcome(record.record_id))
            await store.append(challenge(contested.record_id))
            await store.append(challenge(settled.record_id))
            await store.append(challenge(settled.record_id, "closed"))
        await store.decide(fresh)
        assert maintain.retain(backend, KEYS, DEFAULT_DAYS, WHY) == (6, 1)
        assert maintain.retain(backend, KEYS, DEFAULT_DAYS, WHY) == (0, 0)
        await store.append(challenge(contested.record_id, "closed"))
        await store.close()

    asyncio.run(run())
    assert _troubles(backend) == []
    reader = LogReader(backend)
    gone = {
        record.record_id: reader.of(record.record_id)[0].body is None for record in (old, contested, settled, fresh)
    }
    assert list(gone.values()) == [True, False, True, False]
    assert old.record_id.encode() in _bytes(backend)  # the row stays
    stones = [row.entry for row in reader.after(0) if row.kind == "tombstone"]
    assert [stone.ranges for stone in stones if isinstance(stone, Tombstone)] == [((1, 2), (5, 6), (8, 9))]
    assert maintain.retain(backend, KEYS, DEFAULT_DAYS, WHY) == (3, 1)  # now that the challenge is closed
    assert _troubles(backend) == []


def test_less_than_six_months_needs_a_law(backend: Backend) -> None:
    asyncio.run(_empty(backend))
    with pytest.raises(AuditRecordError, match="shorter than six months"):
        maintain.retain(backend, KEYS, DEFAULT_DAYS - 1, WHY)
    assert maintain.retain(backend, KEYS, 30, WHY, shorter=True) == (0, 0)


async def _empty(backend: Backend) -> None:
    await LogStore.open(backend, KEYS).close()


def test_an_erasure_between_sealing_and_storing_leaves_no_entry_under_a_destroyed_key(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, real = KEYS.pseudonym("anna"), append.insert
    runs: list[tuple[int, int]] = []

    def erasing(*given: Any) -> object:
        if not runs:
            runs.append(maintain.erase(backend, KEYS, "anna", WHY))
        return real(*given)

    async def run() -> None:
        store = LogStore.open(backend, KEYS)
        record = decision()
        with monkeypatch.context() as patched:
            patched.setattr(writer, "insert", erasing)
            await store.decide(record, Sealed(anna, b"text"))
        reader = LogReader(backend)
        assert reader.open_sealed(reader.of(record.record_id)[0], KEYS) == Sealed(anna, b"text")
        await store.close()

    asyncio.run(run())
    assert runs == [(0, 1)]
    assert _troubles(backend) == []
