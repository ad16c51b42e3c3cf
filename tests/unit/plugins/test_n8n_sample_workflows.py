"""n8n_sample_workflows with a stand-in for n8n's command line; the real one is run by molecule/n8n."""

from __future__ import annotations

import getpass
import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

MODULE = Path(__file__).parents[3] / "roles" / "n8n" / "library" / "n8n_sample_workflows.py"
# Notes each call, and what it was given to read with the file's mode; fails where the test wants it to.
NODE = """#!/bin/bash
shift
echo "$*" | sed 's#=/.*/#=#' >> "$NOTES/calls"
file=${2#--input=}
[[ -f $file ]] && { stat -c '%a %U' "$file" "$(dirname "$file")"; cat "$file"; echo; } >> "$NOTES/seen"
[[ ! -e $NOTES/fail || $1 != "$(cat "$NOTES/fail")" ]] || { echo "no such table"; exit 1; }
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="the module becomes the service's user")


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("n8n_sample_workflows", MODULE)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def wanted(tmp_path: Path, open_port: int) -> dict[str, Any]:
    node = tmp_path / "home" / "bin" / "node"
    node.parent.mkdir(parents=True)
    node.write_text(NODE)
    node.chmod(0o755)
    environment = tmp_path / "env"
    environment.write_text(f'# comment\nNOTES="{tmp_path}"\nPATH="{os.environ["PATH"]}"\nODD="a\\"\\$\\\\b"\n')
    return {
        "workflows": json.dumps([{"id": "one", "nodes": []}, {"id": "two", "nodes": []}]),
        "credentials": json.dumps([{"data": {"value": "canary-1"}}]),
        "environment_file": str(environment),
        "home": str(tmp_path / "home"),
        "user": getpass.getuser(),
        "state": str(tmp_path),
        "marker": str(tmp_path / "marker"),
        "webhook_urls": ["http://127.0.0.1:1/webhook/ask"],
        "needs_tcp": f"127.0.0.1:{open_port}",
        "needs_seconds": 1,
    }


def test_environment_is_read_as_systemd_does(module: ModuleType, wanted: dict[str, Any], tmp_path: Path) -> None:
    seen = module.read_environment(Path(wanted["environment_file"]))
    assert seen == {"NOTES": str(tmp_path), "PATH": os.environ["PATH"], "ODD": 'a"$\\b'}


def read_calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []


@pytest.fixture
def answer_status() -> Iterator[Callable[[int], str]]:
    """(status) → URL of a server that answers every POST with it."""
    servers: list[HTTPServer] = []

    def serve(status: int) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        servers.append(HTTPServer(("127.0.0.1", 0), Answer))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/webhook/ask"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@needs_root
def test_imports_once_and_leaves_no_file(
    module: ModuleType, call_module: Callable[..., dict[str, Any]], wanted: dict[str, Any], tmp_path: Path
) -> None:
    before = set(Path("/run").glob("n8n-import-*"))
    assert call_module(module, **wanted)["changed"] is True
    assert call_module(module, **wanted)["changed"] is False
    assert read_calls(tmp_path) == [
        "import:credentials --input=credentials.json",
        "import:workflow --input=workflows.json",
        "publish:workflow --id=one",
        "publish:workflow --id=two",
    ]
    seen = (tmp_path / "seen").read_text()
    assert seen.startswith(f"600 {wanted['user']}\n700 {wanted['user']}\n{wanted['credentials']}\n")
    assert Path(wanted["marker"]).stat().st_mode & 0o777 == 0o600
    assert set(Path("/run").glob("n8n-import-*")) == before


@needs_root
@pytest.mark.parametrize(
    "change",
    [
        {"workflows": json.dumps([{"id": "one", "nodes": [1]}, {"id": "two", "nodes": []}])},
        {"credentials": json.dumps([{"data": {"value": "canary-2"}}])},
    ],
)
def test_changed_content_is_imported_again(
    module: ModuleType,
    call_module: Callable[..., dict[str, Any]],
    wanted: dict[str, Any],
    tmp_path: Path,
    change: dict[str, str],
) -> None:
    call_module(module, **wanted)
    assert call_module(module, **{**wanted, **change})["changed"] is True
    assert len(read_calls(tmp_path)) == 8


@needs_root
@pytest.mark.parametrize("step", ["import:credentials", "import:workflow", "publish:workflow"])
def test_failed_step_is_told_and_done_again(
    module: ModuleType, call_module: Callable[..., dict[str, Any]], wanted: dict[str, Any], tmp_path: Path, step: str
) -> None:
    (tmp_path / "fail").write_text(step)
    failed = call_module(module, **wanted)
    assert failed["failed"] is True
    assert f"n8n {step} failed with exit status 1:\nno such table" in failed["msg"]
    assert "canary" not in json.dumps(failed)
    (tmp_path / "fail").unlink()
    assert call_module(module, **wanted)["changed"] is True


def test_check_mode_changes_nothing(
    module: ModuleType, call_module: Callable[..., dict[str, Any]], wanted: dict[str, Any], tmp_path: Path
) -> None:
    assert call_module(module, check=True, **wanted)["changed"] is True
    assert read_calls(tmp_path) == []


def test_missing_database_is_named(
    module: ModuleType, call_module: Callable[..., dict[str, Any]], wanted: dict[str, Any]
) -> None:
    failed = call_module(module, **{**wanted, "needs_tcp": "127.0.0.1:1", "needs_seconds": 0})
    assert failed["msg"].startswith("no database at 127.0.0.1:1 for 0 s")


@pytest.mark.parametrize(("status", "due"), [(403, False), (200, False), (404, True)])
def test_server_without_the_webhook_gets_it_again(
    module: ModuleType,
    wanted: dict[str, Any],
    answer_status: Callable[[int], str],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    due: bool,
) -> None:
    monkeypatch.setattr(module, "REGISTRATION_S", 0.6)
    Path(wanted["marker"]).write_text("x")
    assert module.is_due({**wanted, "webhook_urls": [answer_status(403), answer_status(status)]}, "x") is due


def test_what_a_killed_run_left_is_ended_and_nothing_else(module: ModuleType, tmp_path: Path) -> None:
    """Seen in a kill -9 campaign: an orphaned import sat in a transaction and held n8n's migration lock."""
    (tmp_path / "n8n-import-old").mkdir()
    program = "/node_modules/n8n/bin/n8n"
    left, server, other = (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", home + program, command])
        for home, command in (("/opt/a", "import:credentials"), ("/opt/a", "start"), ("/opt/b", "import:credentials"))
    )
    try:
        module.end_leftovers("/opt/a", folders=tmp_path)
        assert left.wait(timeout=10) == -9
        assert server.poll() is None
        assert other.poll() is None
        assert not list(tmp_path.iterdir())
    finally:
        for process in (left, server, other):
            process.kill()
            process.wait()
