"""What only a server can do to the log: be away, silent, full, read-only, careless, someone else's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from decision_layer.audit.backend import Backend, DatabaseError, Server
from decision_layer.audit.backends import make_backend
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision, Sealed
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, decision, fill
from tests.audit.stores import LIMIT_S, open_store, refused_in_time

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster


async def _decided(store: LogStore, number: int) -> set[str]:
    """The ids of some decisions, every other with a sealed part."""
    known: list[Decision] = [decision() for _ in range(number)]
    for place, record in enumerate(known):
        await store.decide(record, Sealed(KEYS.pseudonym("anna"), b"x") if place % 2 else None)
    return {record.record_id for record in known}


def _whole(backend: Backend, known: set[str]) -> None:
    stored = {row.record_id for row in LogReader(backend).after(0)}
    assert known <= stored
    assert verify(backend, None, KEYS.publics, KEYS).troubles == []


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_is_down_and_comes_back(cluster: Cluster, postgresql: Backend, how: str) -> None:
    async def run() -> set[str]:
        store = open_store(postgresql)
        known = await _decided(store, 4)
        cluster.control("stop", "-m", how)
        try:
            for _ in range(3):
                await refused_in_time(store)
        finally:
            cluster.control("start")
        known |= await _decided(store, 4)
        await store.close()
        return known

    _whole(postgresql, asyncio.run(run()))


def test_a_server_that_was_restarted_between_two_decisions(cluster: Cluster, postgresql: Backend) -> None:
    async def run() -> set[str]:
        store = open_store(postgresql)
        known = await _decided(store, 2)
        assert LogReader(postgresql).last_seq() == 2
        cluster.control("restart", "-m", "fast")
        assert LogReader(postgresql).last_seq() == 2  # a reader's old connection is noticed and replaced
        known |= await _decided(store, 2)
        await store.close()
        return known

    _whole(postgresql, asyncio.run(run()))


def test_a_server_that_does_not_answer(cluster: Cluster, postgresql: Backend) -> None:
    async def run() -> set[str]:
        store = open_store(postgresql)
        known = await _decided(store, 2)
        with cluster.connect(user="decision_layer") as link:
            found = link.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'decision-layer audit'")
            sessions = [int(row[0]) for row in found.fetchall()]
        for session in sessions:
            os.kill(session, signal.SIGSTOP)
        try:
            assert "no answer within" in (await refused_in_time(store)).what
            await asyncio.sleep(0.1)
            assert "does not answer" in (await refused_in_time(store)).what
        finally:
            for session in sessions:
                os.kill(session, signal.SIGCONT)
        await asyncio.sleep(LIMIT_S)
        known |= await _decided(store, 2)
        await store.close()
        return known

    _whole(postgresql, asyncio.run(run()))


def test_a_server_that_became_read_only(cluster: Cluster, postgresql: Backend) -> None:
    async def run() -> set[str]:
        store = open_store(postgresql)
        known = await _decided(store, 2)
        cluster.set(default_transaction_read_only="on")
        try:
            await asyncio.sleep(0.2)
            assert "read-only" in (await refused_in_time(store)).what
        finally:
            cluster.set(default_transaction_read_only="")
        await asyncio.sleep(0.2)
        known |= await _decided(store, 2)
        await store.close()
        return known

    _whole(postgresql, asyncio.run(run()))


@pytest.fixture
def tiny(cluster: Cluster, tmp_path: Path) -> Iterator[Server]:
    """A schema whose tables lie on a disk of 1 MB."""
    disk = cluster.folder / "tiny"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        disk.rmdir()
        pytest.skip("may not mount a tmpfs")
    server = cluster.server()
    try:
        shutil.chown(disk, "postgres")
        cluster.run(f"CREATE TABLESPACE tiny LOCATION '{disk}'")
        cluster.run("GRANT CREATE ON TABLESPACE tiny TO decision_layer")
        cluster.run("ALTER ROLE decision_layer SET default_tablespace = tiny")
        yield server
        cluster.run("ALTER ROLE decision_layer RESET default_tablespace")
        cluster.run(f"DROP SCHEMA {server.schema} CASCADE")
        cluster.run("DROP TABLESPACE tiny")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        disk.rmdir()


def test_a_disk_that_is_full(tiny: Server, tmp_path: Path) -> None:
    backend = make_backend(tmp_path, tiny)

    async def run() -> set[str]:
        store = open_store(backend)
        known: set[str] = set()
        for _ in range(2000):
            record = decision()
            try:
                await store.decide(record)
            except AuditUnavailableError as error:
                assert "No space left on device" in error.what  # noqa: PT017 - the loop ends here
                break
            known.add(record.record_id)
        assert 20 < len(known) < 2000
        await store.close()
        return known

    _whole(backend, asyncio.run(run()))


def test_a_server_that_answers_before_its_disk(cluster: Cluster, postgresql: Backend) -> None:
    async def run() -> None:
        store = open_store(postgresql)
        await store.decide(decision())
        cluster.set(fsync="off")
        try:
            await asyncio.sleep(0.2)
            assert "fsync" in (await refused_in_time(store)).what  # a running session sees it too
            with pytest.raises(AuditUnavailableError, match="fsync"):
                open_store(postgresql)
        finally:
            cluster.set(fsync="")
        await asyncio.sleep(0.2)
        await store.decide(decision())
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("weak", ["off", "local"])
def test_a_role_that_would_not_wait_is_made_to(cluster: Cluster, postgresql: Backend, weak: str) -> None:
    cluster.run(f"ALTER ROLE decision_layer SET synchronous_commit = {weak}")
    try:
        for link in (postgresql.open_log(create=True, wait_s=1), postgresql.open_keys(create=True, wait_s=1)):
            assert link.query("SHOW synchronous_commit") == [("on",)]
            link.close()
    finally:
        cluster.run("ALTER ROLE decision_layer RESET synchronous_commit")


def test_whoever_takes_no_lock_cannot_fork_the_chain(postgresql: Backend) -> None:
    async def run() -> None:
        store = open_store(postgresql)
        await _decided(store, 3)
        with contextlib.closing(postgresql.open_log(create=False, wait_s=1)) as other:
            again = "INSERT INTO entries SELECT seq, 'outcome', record_id, at, hash, mark, body_hash FROM entries"
            with pytest.raises(DatabaseError, match="entries_pkey"):
                other.change(again)
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE {0}.more (x int)",
        "ALTER TABLE {0}.entries ADD more int",
        "ALTER TABLE {0}.entries SET UNLOGGED",
        "ALTER TABLE {0}.entries ENABLE ROW LEVEL SECURITY",
        "CREATE FUNCTION {0}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE RULE r AS ON INSERT TO {0}.entries DO INSTEAD NOTHING",
        "CREATE TABLE {0}.child () INHERITS ({0}.entries)",
        "UPDATE pg_index SET indisready = false WHERE indexrelid = '{0}.decisions'::regclass",
    ],
)
def test_tables_that_are_not_quite_ours(cluster: Cluster, tmp_path: Path, sql: str) -> None:
    server = cluster.server()
    backend = make_backend(tmp_path, server)
    asyncio.run(fill(backend, tmp_path / "second", rounds=1))
    with cluster.connect() as link:
        link.execute("SET allow_system_table_mods = on")
        link.execute(sql.format(server.schema).encode())
    assert "edited" in {trouble.kind for trouble in verify(backend, None, KEYS.publics, KEYS).troubles}
    with pytest.raises(AuditUnavailableError, match="not those of an audit log"):
        open_store(backend)


def test_a_row_that_no_index_finds(cluster: Cluster, tmp_path: Path) -> None:
    server = cluster.server()
    backend = make_backend(tmp_path, server)
    asyncio.run(fill(backend, tmp_path / "second", rounds=1))
    ready = "UPDATE pg_index SET indisready = {} WHERE indexrelid = '{}.decisions'::regclass"
    for word in ("false", "true"):
        with cluster.connect() as link:
            link.execute("SET allow_system_table_mods = on")
            link.execute(ready.format(word, server.schema).encode())
        if word == "false":
            with contextlib.closing(cluster.connect(server.schema)) as link:
                link.execute("CREATE TEMPORARY TABLE one AS SELECT * FROM entries WHERE seq = 1")
                link.execute("DELETE FROM entries WHERE seq = 1")
                link.execute("INSERT INTO entries SELECT * FROM one")  # past the index
    found = verify(backend, None, KEYS.publics, KEYS).troubles
    assert [trouble.what for trouble in found] == ["integrity check: index decisions finds 5 of 6 rows"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "postgresql://decision_layer:secret@/decision_layer"}, "holds a password"),
        ({"url": "nonsense://"}, "cannot be read"),
        ({"password_file": None}, "password"),
        ({"password_file": Path("/nonexistent")}, "FileNotFoundError"),
    ],
)
def test_a_server_that_cannot_be_signed_in_to(
    cluster: Cluster, tmp_path: Path, change: dict[str, str | Path | None], said: str
) -> None:
    backend = make_backend(tmp_path, cluster.server()._replace(**change))  # type: ignore[arg-type]
    with pytest.raises(AuditUnavailableError, match=said) as caught:
        open_store(backend)
    assert "secret" not in f"{caught.value.what} {caught.value.where}"


def test_a_wrong_password(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    with pytest.raises(AuditUnavailableError, match="password authentication failed"):
        open_store(make_backend(tmp_path, cluster.server()._replace(password_file=tmp_path / "wrong")))


@pytest.mark.parametrize(("query", "asked"), [("", "require"), ("?sslmode=verify-full", "verify-full")])
def test_tls_is_asked_for_unless_the_url_says_otherwise(cluster: Cluster, query: str, asked: str) -> None:
    """The cluster's presence stands for libpq's."""
    from decision_layer.audit.postgresql_sign_in import _parameters

    given = _parameters(Server(f"postgresql://role@db.example:5433/audit{query}", cluster.password))
    assert (given["sslmode"], given["host"], given["port"]) == (asked, "db.example", "5433")
    assert given["password"] == cluster.password.read_text()
