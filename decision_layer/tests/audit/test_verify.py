"""The untouched log verifies; a thousand ways of touching it are all found."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import time
from pathlib import Path

import pytest

from decision_layer.audit import checkpoint, checkpointer
from decision_layer.audit.chain import Stored
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from tests.audit import mutations
from tests.audit.samples import KEYS, POLICY, decision
from tests.audit.touched import PostgresqlSource, SqliteLog, SqliteSource

Source = SqliteSource | PostgresqlSource
LATER = time.time() + 3600  # a place that is behind for a moment is no trouble, for an hour it is


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    home = tmp_path_factory.mktemp("log")
    if request.param == "sqlite":
        return SqliteSource(home)
    return PostgresqlSource(home, request.getfixturevalue("cluster"))


def test_the_untouched_log_verifies(whole: Source) -> None:
    for keys in (KEYS, None):
        report = verify(whole.log.backend, whole.log.second, KEYS.publics, keys, LATER)
        assert report.troubles == []
        assert report.not_covered == ""
        assert report.entries == report.attested > 100
        assert report.checkpoints == 9


def test_every_mutation_is_found(whole: Source, tmp_path: Path) -> None:
    chance = random.Random(6)  # noqa: S311 - a test's, to be the same each time
    missed, used = [], set()
    possible = mutations.possible(whole.log)
    for number in range(whole.mutations):
        log = whole.copy(tmp_path / str(number))
        name, how = possible[number % len(possible)]
        what = how(log, chance)
        used.add(name)
        with_secret = verify(log.backend, log.second, KEYS.publics, KEYS, LATER).troubles
        public_only = verify(log.backend, log.second, KEYS.publics, None, LATER).troubles
        if not with_secret or (not public_only and name not in mutations.NEED_SECRET):
            missed.append(f"{number} {name}: {what}")
        shutil.rmtree(tmp_path / str(number))
    assert missed == []
    assert len(used) == len(possible)


def test_what_cannot_be_found_is_told(whole: Source, tmp_path: Path) -> None:
    log = whole.copy(tmp_path / "copy")
    mutations.cut_tail(log, random.Random(1), 5)  # noqa: S311
    for place in (log.directory, log.second):
        (place / checkpoint.LINES).unlink()
        (place / checkpoint.LATEST).unlink()
    report = verify(log.backend, log.second, KEYS.publics, KEYS)
    assert report.troubles == []
    assert "cut off at the end since ever" in report.not_covered


def test_a_tail_without_checkpoint_is_told_and_its_restamping_found_with_the_secret(tmp_path: Path) -> None:
    async def write() -> Stored:
        store = LogStore.open(SqliteBackend(tmp_path), KEYS)
        await store.decide(decision())
        last = await store.decide(decision())
        checkpointer.write([tmp_path], last, POLICY, KEYS)
        for _ in range(3):
            last = await store.decide(decision())
        store._writer.submit(None)  # as after kill -9: no last checkpoint
        store._writer.join()
        return last

    asyncio.run(write())
    report = verify(SqliteBackend(tmp_path), None, KEYS.publics)
    assert (report.troubles, report.attested, report.entries) == ([], 2, 5)
    assert report.not_covered.startswith("3 entries since the checkpoint of ")
    mutations.restamp(SqliteLog(SqliteBackend(tmp_path), tmp_path), 4, '"caller":"open-webui"', '"caller":"someone"')
    assert verify(SqliteBackend(tmp_path), None, KEYS.publics).troubles == []  # not covered, as told
    found = verify(SqliteBackend(tmp_path), None, KEYS.publics, KEYS).troubles
    assert [trouble.kind for trouble in found] == ["re-stamped", "re-stamped"]


def test_a_second_place_that_a_crash_left_behind_is_no_trouble_but_told_and_made_up_for(
    whole: Source, tmp_path: Path
) -> None:
    log = whole.copy(tmp_path / "copy")
    lines = (log.second / checkpoint.LINES).read_bytes().splitlines(keepends=True)
    (log.second / checkpoint.LINES).write_bytes(b"".join(lines[:-1]) + lines[-1][:30])  # torn in the middle
    (log.second / checkpoint.LATEST).write_bytes(lines[-2])
    report = verify(log.backend, log.second, KEYS.publics, KEYS)
    assert (report.troubles, report.behind, report.attested) == ([], 1, report.entries)

    async def go_on() -> None:
        store = LogStore.open(log.backend, KEYS, log.second)
        await store.decide(decision())
        await store.close()

    asyncio.run(go_on())
    report = verify(log.backend, log.second, KEYS.publics, KEYS, LATER)
    assert (report.troubles, report.behind, report.not_covered) == ([], 0, "")
    numbers = [
        json.loads(line)["number"]
        for line in (log.second / checkpoint.LINES).read_bytes().split(b"\n")[:-1]
        if line.endswith(b"}")
    ]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_log_written_with_another_key_is_none_of_ours(whole: Source) -> None:
    other = AuditKeys([b"x" * 32])
    assert verify(whole.log.backend, whole.log.second, other.publics, other).troubles


def test_a_key_that_was_replaced_still_verifies(whole: Source, tmp_path: Path) -> None:
    log = whole.copy(tmp_path / "copy")
    import hashlib

    both = AuditKeys([b"n" * 32, hashlib.sha256(b"a test's audit key").digest()])

    async def go_on() -> None:
        store = LogStore.open(log.backend, both, log.second)
        await store.decide(decision())
        await store.close()

    asyncio.run(go_on())
    report = verify(log.backend, log.second, both.publics, both)
    assert report.troubles == []
    assert report.marked == report.entries
    assert both.pseudonym("Anna") == KEYS.pseudonym("anna")
