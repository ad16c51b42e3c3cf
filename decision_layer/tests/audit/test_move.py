"""From SQLite to PostgreSQL: the same chain, and nothing lost wherever it breaks off."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from decision_layer.audit import audit_cli, maintain, move
from decision_layer.audit.backend import Backend, Server
from decision_layer.audit.backends import make_backend
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.maintain import Reason
from decision_layer.audit.reader import LogReader
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, decision, fill
from tests.audit.touched import SqliteLog

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster


@pytest.fixture
def home(tmp_path: Path) -> Path:
    asyncio.run(fill(SqliteBackend(tmp_path / "log"), tmp_path / "second", rounds=2))
    (tmp_path / "key").write_text(hashlib.sha256(b"a test's audit key").hexdigest() + "\n")
    return tmp_path


@pytest.fixture
def server(cluster: Cluster) -> Server:
    return cluster.server()


def _run(home: Path, server: Server, *words: str) -> int:
    parser = argparse.ArgumentParser()
    audit_cli.add_parser(parser.add_subparsers())
    places = ["--directory", str(home / "log"), "--second-place", str(home / "second"), "--key", str(home / "key")]
    database = ["--postgresql", server.url, "--password-file", str(server.password_file), "--schema", server.schema]
    args = parser.parse_args(["audit", *words, *places, *database])
    code: int = args.run(args)
    return code


def _rows(backend: Backend) -> list[object]:
    with backend.read_keys() as link:
        keys = link.query("SELECT key_id, subject, wrapped FROM keys ORDER BY key_id")
    return [*LogReader(backend).after(0), *keys]


async def _one_more(backend: Backend, second: Path) -> None:
    store = LogStore.open(backend, KEYS, second)
    await store.decide(decision())
    await store.close()


def test_the_chain_goes_on_in_postgresql(home: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    before = _rows(SqliteBackend(home / "log"))
    assert _run(home, server, "move") == 0
    assert "whole: 29" in capsys.readouterr().out
    target = make_backend(home / "log", server)
    assert _rows(target) == before
    asyncio.run(_one_more(target, home / "second"))
    assert maintain.erase(target, KEYS, "subject 2", Reason("GDPR Art. 17(1)", "dpo")).entries > 0
    assert _run(home, server, "verify") == 0
    assert sorted(path.name for path in (home / "log").glob("*.sqlite*")) == ["audit.sqlite.moved", "keys.sqlite.moved"]
    with pytest.raises(AuditUnavailableError, match="a checkpoint attests"):  # a gateway that still has SQLite set
        LogStore.open(SqliteBackend(home / "log"), KEYS, home / "second")


def test_a_second_time_changes_nothing(home: Path, server: Server) -> None:
    assert _run(home, server, "move") == 0
    (home / "log/keys.sqlite.moved").rename(home / "log/keys.sqlite")  # as if it had been cut off between the two
    asyncio.run(_one_more(make_backend(home / "log", server), home / "second"))
    before = _rows(make_backend(home / "log", server))
    assert _run(home, server, "move") == 0
    assert _rows(make_backend(home / "log", server)) == before
    assert not (home / "log/keys.sqlite").exists()


@pytest.mark.parametrize("where", ["_copy", "_demand_same", "_retire", "verify"])
def test_a_move_that_breaks_off_leaves_the_log_in_use(
    home: Path, server: Server, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    source = SqliteBackend(home / "log")
    before = _rows(source)
    real = getattr(move, where)
    calls = 0

    def breaks(*given: object) -> object:
        nonlocal calls
        calls += 1
        if where == "verify" and calls == 1:  # the source's; the second is of what arrived
            return real(*given)
        raise OSError(5, "broke off")

    with monkeypatch.context() as patched:
        patched.setattr(move, where, breaks)
        assert _run(home, server, "move") == 2
    assert _rows(source) == before
    asyncio.run(_one_more(source, home / "second"))  # the gateway goes on with it, and the next try takes that along
    grown = _rows(source)
    assert _run(home, server, "move") == 0
    assert _rows(make_backend(home / "log", server)) == grown


_KILLED = """
import os, signal, sys
from decision_layer.audit import move
real = move.{where}
def dies(*given):
    if {after}: real(*given)
    os.kill(os.getpid(), signal.SIGKILL)
move.{where} = dies
from decision_layer.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("where", "after"), [("_demand_same", False), ("_copy", True), ("_retire", True)])
def test_kill(home: Path, server: Server, where: str, after: bool) -> None:
    before = _rows(SqliteBackend(home / "log"))
    places = ["--directory", home / "log", "--second-place", home / "second", "--key", home / "key"]
    database = ["--postgresql", server.url, "--password-file", server.password_file, "--schema", server.schema]
    command = [sys.executable, "-c", _KILLED.format(where=where, after=after), "audit", "move", *places, *database]
    environment = {**os.environ, "PYTHONPATH": "src"}
    done = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, check=False, timeout=60)  # type: ignore[arg-type]
    assert done.returncode == -signal.SIGKILL
    target = make_backend(home / "log", server)
    if where == "_retire":
        assert _rows(target) == before
    else:
        assert _rows(SqliteBackend(home / "log")) == before
        assert bool(list(LogReader(target).after(0))) == after  # all of it, or nothing
    assert _run(home, server, "move") == 0
    assert _rows(target) == before


def test_the_server_is_away(home: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    away = server._replace(url="postgresql://decision_layer@/decision_layer?host=/nonexistent")
    assert _run(home, away, "move") == 2
    assert "hint: " in capsys.readouterr().err
    assert verify(SqliteBackend(home / "log"), home / "second", KEYS.publics, KEYS).troubles == []


def test_a_log_that_was_touched_is_not_moved(home: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    SqliteLog(SqliteBackend(home / "log"), home / "second").run("DELETE FROM entries WHERE seq = 3")
    assert _run(home, server, "move") == 2
    assert "not whole: missing" in capsys.readouterr().err


def test_another_log_is_not_written_over(
    home: Path, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(fill(make_backend(tmp_path / "other", server), tmp_path / "second of other", rounds=1))
    assert _run(home, server, "move") == 2
    assert "there is another log" in capsys.readouterr().err
    assert verify(SqliteBackend(home / "log"), home / "second", KEYS.publics, KEYS).troubles == []


def test_a_gateway_that_runs_is_noticed(
    home: Path, server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move, "_WAIT_S", 0.5)
    with (
        contextlib.closing(SqliteBackend(home / "log").open_log(create=False, wait_s=1)) as other,
        other.snapshot(),
    ):
        other.query("SELECT count(*) FROM entries")
        asyncio.run(_one_more(SqliteBackend(home / "log"), home / "second"))
        assert _run(home, server, "move") == 2
    assert "stop the gateway" in capsys.readouterr().err
