"""Whatever breaks: decide() raises in time, and what it acknowledged before is in the log."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from decision_layer.audit.backend import Backend
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import LogReader
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, decision, fill
from tests.audit.stores import LIMIT_S, open_store, refused_in_time


def test_locked(backend: Backend) -> None:
    async def run() -> None:
        store = open_store(backend)
        with contextlib.closing(backend.open_log(create=False, wait_s=1)) as other:
            with other.locked():
                assert "lock" in (await refused_in_time(store)).what
            await store.decide(decision())
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_file_gone(tmp_path: Path, how: str) -> None:
    async def run() -> None:
        store = open_store(SqliteBackend(tmp_path))
        await store.decide(decision())
        log = tmp_path / "audit.sqlite"
        log.rename(tmp_path / "away")
        if how == "deleted":
            (tmp_path / "away").unlink()
        if how == "replaced":
            log.write_bytes(b"")
        assert "moved away or replaced" in (await refused_in_time(store)).what
        if how == "moved":
            (tmp_path / "away").rename(log)
            await store.decide(decision())
            await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("kept", [1, 0])
@pytest.mark.parametrize("grown", [False, True])
def test_a_log_cut_under_the_running_gateway_takes_no_more(backend: Backend, kept: int, grown: bool) -> None:
    """Grown: another gateway wrote on, as after a failover to a server that lacked the last entries."""

    async def run() -> None:
        store = open_store(backend)
        for _ in range(3):
            await store.decide(decision())
        with contextlib.closing(backend.open_log(create=False, wait_s=1)) as other:
            other.change("DELETE FROM entries WHERE seq > ?", (kept,))
        if grown:
            second = open_store(backend)
            for _ in range(4):
                await second.decide(decision())
        assert "changed under the running gateway" in (await refused_in_time(store)).what

    asyncio.run(run())


def test_a_disk_that_does_not_answer(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        store = open_store(backend)
        monkeypatch.setattr(store._writer, "_still_there", lambda: time.sleep(2 * LIMIT_S))
        if backend.is_local:  # the loop itself waits for the first, and leaves the next ones to the thread
            await store.decide(decision())
        assert "no answer within" in (await refused_in_time(store)).what
        await asyncio.sleep(0.1)
        start = time.monotonic()
        assert "the disk or the database does not answer" in (await refused_in_time(store)).what
        assert time.monotonic() - start < 0.2  # known to be stuck: no second wait
        monkeypatch.undo()
        await asyncio.sleep(LIMIT_S)
        await store.decide(decision())
        await store.close()

    asyncio.run(run())


def test_a_full_queue(backend: Backend) -> None:
    async def run() -> None:
        store = open_store(backend, max_waiting=10)
        answers = await asyncio.gather(*(store.decide(decision()) for _ in range(300)), return_exceptions=True)
        refused = [one for one in answers if isinstance(one, AuditUnavailableError)]
        assert refused
        assert store.health().stored == 300 - len(refused)
        await store.close()

    asyncio.run(run())


def test_a_closed_store(backend: Backend) -> None:
    async def run() -> None:
        store = open_store(backend)
        await store.close()
        await refused_in_time(store)

    asyncio.run(run())


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be read as one" * 100])
def test_a_file_that_is_no_log(tmp_path: Path, content: bytes) -> None:
    if not content:
        other = sqlite3.connect(tmp_path / "audit.sqlite")
        other.execute("CREATE TABLE something (else_ TEXT)")
        other.close()
    else:
        (tmp_path / "audit.sqlite").write_bytes(content)
    with pytest.raises(AuditUnavailableError):
        open_store(SqliteBackend(tmp_path))


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailableError):
        open_store(SqliteBackend(tmp_path / "not mounted"))


def test_a_log_that_its_checkpoints_contradict_is_not_written_to(backend: Backend, tmp_path: Path) -> None:
    asyncio.run(fill(backend, tmp_path / "second", rounds=2))
    with contextlib.closing(backend.open_log(create=False, wait_s=1)) as link:
        link.change("DELETE FROM entries")
    with pytest.raises(AuditUnavailableError, match="a checkpoint attests"):
        LogStore.open(backend, KEYS, tmp_path / "second")


def test_a_log_that_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    asyncio.run(fill(SqliteBackend(tmp_path / "log"), tmp_path / "second", rounds=2))
    for path in (tmp_path / "log").glob("audit.sqlite*"):
        path.unlink()
    with pytest.raises(AuditUnavailableError, match="a checkpoint attests"):
        LogStore.open(SqliteBackend(tmp_path / "log"), KEYS, tmp_path / "second")


def test_another_key_may_not_write_on_top(backend: Backend, tmp_path: Path) -> None:
    asyncio.run(fill(backend, tmp_path / "second", rounds=1))
    with pytest.raises(AuditUnavailableError, match="not written with this key"):
        LogStore.open(backend, AuditKeys([b"x" * 32]), tmp_path / "second")


_FULL = """
import asyncio, resource, sys
from pathlib import Path
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from tests.audit.samples import KEYS, decision

async def main(directory):
    store = LogStore.open(SqliteBackend(directory), KEYS)
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    for _ in range(2000):
        record = decision()
        try:
            await store.decide(record)
        except AuditUnavailableError as error:
            print("refused", error)
            return
        print(record.record_id)

asyncio.run(main(Path(sys.argv[1])))
"""


def _until_full(directory: Path, *limit: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", _FULL, str(directory), *limit],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = run.stdout.split("\n")[:-1]
    assert said, run.stderr
    assert said[-1].startswith("refused"), run.stderr
    stored = {row.record_id for row in LogReader(SqliteBackend(directory)).after(0)}
    assert set(said[:-1]) <= stored
    assert len(said) > 5
    report = verify(SqliteBackend(directory), None, KEYS.publics, KEYS)
    assert report.troubles == []
    return said


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    _until_full(tmp_path, "limit")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False).returncode == 0
    if not made:
        pytest.skip("may not mount a tmpfs")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def test_disk_full(tiny_disk: Path) -> None:
    assert "full" in _until_full(tiny_disk)[-1]


def test_disk_read_only(tiny_disk: Path) -> None:
    async def run() -> None:
        store = open_store(SqliteBackend(tiny_disk))
        await store.decide(decision())
        await store.close()

    asyncio.run(run())
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(AuditUnavailableError):
        open_store(SqliteBackend(tiny_disk))
    report = verify(SqliteBackend(tiny_disk), None, KEYS.publics)  # an auditor's copy
    assert (report.troubles, report.attested) == ([], 1)
