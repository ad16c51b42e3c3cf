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
from decision_layer.audit.store import SqliteStore
from decision_layer.audit.verify import verify
from tests.audit import mutations
from tests.audit.samples import KEYS, POLICY, decision, fill

MUTATIONS = 1000
LATER = time.time() + 3600  # a place that is behind for a moment is no trouble, for an hour it is


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("log")
    asyncio.run(fill(home / "log", home / "second"))
    return home


def _copy(whole: Path, to: Path) -> mutations.Log:
    shutil.copytree(whole, to)
    return mutations.Log(to / "log", to / "second")


def test_the_untouched_log_verifies(whole: Path) -> None:
    for keys in (KEYS, None):
        report = verify(whole / "log", whole / "second", KEYS.publics, keys, LATER)
        assert report.troubles == []
        assert report.not_covered == ""
        assert report.entries == report.attested > 100
        assert report.checkpoints == 9


def test_every_mutation_is_found(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(6)  # noqa: S311 - a test's, to be the same each time
    missed, used = [], set()
    for number in range(MUTATIONS):
        log = _copy(whole, tmp_path / str(number))
        name, how = mutations.ALL[number % len(mutations.ALL)]
        what = how(log, chance)
        used.add(name)
        with_secret = verify(log.directory, log.second, KEYS.publics, KEYS, LATER).troubles
        public_only = verify(log.directory, log.second, KEYS.publics, None, LATER).troubles
        if not with_secret or (not public_only and name not in mutations.NEED_SECRET):
            missed.append(f"{number} {name}: {what}")
        shutil.rmtree(tmp_path / str(number))
    assert missed == []
    assert len(used) == len(mutations.ALL)


def test_what_cannot_be_found_is_told(whole: Path, tmp_path: Path) -> None:
    log = _copy(whole, tmp_path / "copy")
    mutations.cut_tail(log, random.Random(1), 5)  # noqa: S311
    for place in (log.directory, log.second):
        (place / checkpoint.LINES).unlink()
        (place / checkpoint.LATEST).unlink()
    report = verify(log.directory, log.second, KEYS.publics, KEYS)
    assert report.troubles == []
    assert "cut off at the end since ever" in report.not_covered


def test_a_tail_without_checkpoint_is_told_and_its_restamping_found_with_the_secret(tmp_path: Path) -> None:
    async def write() -> Stored:
        store = SqliteStore.open(tmp_path, KEYS)
        await store.decide(decision())
        last = await store.decide(decision())
        checkpointer.write([tmp_path], last, POLICY, KEYS)
        for _ in range(3):
            last = await store.decide(decision())
        store._writer.submit(None)  # as after kill -9: no last checkpoint
        store._writer.join()
        return last

    asyncio.run(write())
    report = verify(tmp_path, None, KEYS.publics)
    assert (report.troubles, report.attested, report.entries) == ([], 2, 5)
    assert report.not_covered.startswith("3 entries since the checkpoint of ")
    mutations.restamp(mutations.Log(tmp_path, tmp_path), 4, '"caller":"open-webui"', '"caller":"someone"')
    assert verify(tmp_path, None, KEYS.publics).troubles == []  # not covered, as told
    found = verify(tmp_path, None, KEYS.publics, KEYS).troubles
    assert [trouble.kind for trouble in found] == ["re-stamped", "re-stamped"]


def test_a_second_place_that_a_crash_left_behind_is_no_trouble_but_told_and_made_up_for(
    whole: Path, tmp_path: Path
) -> None:
    log = _copy(whole, tmp_path / "copy")
    lines = (log.second / checkpoint.LINES).read_bytes().splitlines(keepends=True)
    (log.second / checkpoint.LINES).write_bytes(b"".join(lines[:-1]) + lines[-1][:30])  # torn in the middle
    (log.second / checkpoint.LATEST).write_bytes(lines[-2])
    report = verify(log.directory, log.second, KEYS.publics, KEYS)
    assert (report.troubles, report.behind, report.attested) == ([], 1, report.entries)

    async def go_on() -> None:
        store = SqliteStore.open(log.directory, KEYS, log.second)
        await store.decide(decision())
        await store.close()

    asyncio.run(go_on())
    report = verify(log.directory, log.second, KEYS.publics, KEYS, LATER)
    assert (report.troubles, report.behind, report.not_covered) == ([], 0, "")
    numbers = [
        json.loads(line)["number"]
        for line in (log.second / checkpoint.LINES).read_bytes().split(b"\n")[:-1]
        if line.endswith(b"}")
    ]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_log_written_with_another_key_is_none_of_ours(whole: Path) -> None:
    other = AuditKeys([b"x" * 32])
    assert verify(whole / "log", whole / "second", other.publics, other).troubles


def test_a_key_that_was_replaced_still_verifies(whole: Path, tmp_path: Path) -> None:
    _copy(whole, tmp_path / "copy")
    import hashlib

    both = AuditKeys([b"n" * 32, hashlib.sha256(b"a test's audit key").digest()])

    async def go_on() -> None:
        store = SqliteStore.open(tmp_path / "copy/log", both, tmp_path / "copy/second")
        await store.decide(decision())
        await store.close()

    asyncio.run(go_on())
    report = verify(tmp_path / "copy/log", tmp_path / "copy/second", both.publics, both)
    assert report.troubles == []
    assert report.marked == report.entries
    assert both.pseudonym("Anna") == KEYS.pseudonym("anna")
