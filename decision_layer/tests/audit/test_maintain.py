"""Retention and erasure take contents out for good, and the chain still verifies."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from decision_layer.audit import maintain
from decision_layer.audit.errors import AuditRecordError
from decision_layer.audit.maintain import DEFAULT_DAYS, Reason
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision, Sealed, Tombstone
from decision_layer.audit.store import SqliteStore
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, challenge, decision, outcome

WHY = Reason("GDPR Art. 17(1)", "dpo")
DAY_US = 86_400_000_000


def _troubles(directory: Path) -> list[str]:
    return [str(trouble) for trouble in verify(directory, None, KEYS.publics, KEYS).troubles]


def _bytes(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


def test_erasure_destroys_one_subject_and_leaves_the_others(tmp_path: Path) -> None:
    anna, bert = KEYS.pseudonym("Anna"), KEYS.pseudonym("Bert")

    async def run() -> None:
        store = SqliteStore.open(tmp_path, KEYS)
        known = [decision() for _ in range(6)]
        for number, record in enumerate(known):
            await store.decide(record, Sealed(anna if number % 2 else bert, b"text %d" % number))
        old = LogReader(tmp_path).of(known[1].record_id)[0]
        assert anna.encode() in _bytes(tmp_path)
        assert maintain.erase(tmp_path, KEYS, "anna ", WHY) == (3, 1)
        assert anna.encode() not in _bytes(tmp_path)
        assert old.sealed is not None
        assert old.sealed not in _bytes(tmp_path)
        reader = LogReader(tmp_path)
        assert reader.open_sealed(old, KEYS) is None  # as from a backup: the ciphertext is there, its key is not
        assert reader.open_sealed(reader.of(known[0].record_id)[0], KEYS) == Sealed(bert, b"text 0")
        assert isinstance(reader.of(known[1].record_id)[0].entry, Decision)  # what was decided stays
        # The gateway went on running: it must not seal under the key that is gone.
        later = decision()
        await store.decide(later, Sealed(anna, b"a new text"))
        assert reader.open_sealed(reader.of(later.record_id)[0], KEYS) == Sealed(anna, b"a new text")
        await store.close()

    asyncio.run(run())
    assert _troubles(tmp_path) == []
    assert maintain.erase(tmp_path, KEYS, "nobody", WHY) == (0, 0)


def test_an_interrupted_erasure_is_ended_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        store = SqliteStore.open(tmp_path, KEYS)
        for _ in range(3):
            await store.decide(decision(), Sealed(KEYS.pseudonym("anna"), b"x"))
        await store.close()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    asyncio.run(run())
    with monkeypatch.context() as patched:
        patched.setattr(maintain, "_bury", crash)
        with pytest.raises(KeyboardInterrupt):
            maintain.erase(tmp_path, KEYS, "anna", WHY)
    assert any("no tombstone says why" in trouble for trouble in _troubles(tmp_path))
    assert maintain.erase(tmp_path, KEYS, "anna", WHY) == (3, 1)
    assert _troubles(tmp_path) == []


def test_retention_takes_old_bodies_but_none_with_an_open_challenge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, contested, settled, fresh = decision(), decision(), decision(), decision()

    async def run() -> None:
        store = SqliteStore.open(tmp_path, KEYS)
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
        assert maintain.retain(tmp_path, KEYS, DEFAULT_DAYS, WHY) == (6, 1)
        assert maintain.retain(tmp_path, KEYS, DEFAULT_DAYS, WHY) == (0, 0)
        await store.append(challenge(contested.record_id, "closed"))
        await store.close()

    asyncio.run(run())
    assert _troubles(tmp_path) == []
    reader = LogReader(tmp_path)
    gone = {
        record.record_id: reader.of(record.record_id)[0].body is None for record in (old, contested, settled, fresh)
    }
    assert list(gone.values()) == [True, False, True, False]
    assert old.record_id.encode() in _bytes(tmp_path)  # the row stays
    stones = [row.entry for row in reader.after(0) if row.kind == "tombstone"]
    assert [stone.ranges for stone in stones if isinstance(stone, Tombstone)] == [((1, 2), (5, 6), (8, 9))]
    assert maintain.retain(tmp_path, KEYS, DEFAULT_DAYS, WHY) == (3, 1)  # now that the challenge is closed
    assert _troubles(tmp_path) == []


def test_less_than_six_months_needs_a_law(tmp_path: Path) -> None:
    asyncio.run(_empty(tmp_path))
    with pytest.raises(AuditRecordError, match="shorter than six months"):
        maintain.retain(tmp_path, KEYS, DEFAULT_DAYS - 1, WHY)
    assert maintain.retain(tmp_path, KEYS, 30, WHY, shorter=True) == (0, 0)


async def _empty(directory: Path) -> None:
    await SqliteStore.open(directory, KEYS).close()
