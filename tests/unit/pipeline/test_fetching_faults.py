"""Upstream's faults, as the controller meets them: nothing unverified stays, what came is kept, the next run mends."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.catalog.node_artifacts import artifact
from provision.errors import ExitCode, ProvisionError
from provision.models.artifact import Checksum
from provision.pipeline import fetching, mirror
from tests.stand_ins.faulty_server import FaultyServer, closed_port, serve_faulty

CONTENT = os.urandom(300_000)
PINNED = Checksum(algorithm="sha256", hex=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setattr(fetching, "PAUSE_S", 0.01)
    monkeypatch.setattr(fetching, "WINDOW_S", 0.4)
    with serve_faulty(CONTENT) as serving:
        yield serving


def fetch(url: str, target: Path) -> None:
    fetching.fetch_file(url, PINNED, target, lambda _: None)


@pytest.mark.parametrize(
    ("fault", "code", "said", "kept"),
    [
        ("corrupt", ExitCode.SETUP_BROKEN, "not the one that is pinned", False),
        ("truncated", ExitCode.SETUP_BROKEN, "not the one that is pinned", False),
        ("cut", ExitCode.UNREACHABLE, "cannot be fetched", True),
        ("slow", ExitCode.UNREACHABLE, "bytes per second", True),
        ("503", ExitCode.UNREACHABLE, "answers 503", False),
        ("404", ExitCode.UNREACHABLE, "answers 404", False),
    ],
)
def test_fault_is_told_and_the_next_run_mends_it(
    server: FaultyServer, tmp_path: Path, fault: str, code: ExitCode, said: str, kept: bool
) -> None:
    server.fault = fault
    with pytest.raises(ProvisionError, match=said) as told:
        fetch(server.url, tmp_path / "file")
    assert (told.value.exit_code, told.value.where) == (code, server.url)
    assert told.value.hint
    assert len(server.ranges) == (1 if fault in {"corrupt", "truncated", "404"} else fetching.ATTEMPTS)
    assert [path.name for path in tmp_path.iterdir()] == (["file.part"] if kept else [])
    server.fault = ""
    fetch(server.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert (server.ranges[-1] is not None) == kept


def test_reset_in_the_middle_is_gone_on_with_by_itself(server: FaultyServer, tmp_path: Path) -> None:
    server.fault = "reset"
    fetch(server.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


@pytest.mark.parametrize("kind", ["refused", "tls"])
def test_no_connection(server: FaultyServer, tmp_path: Path, kind: str) -> None:
    url = server.url.replace("http:", "https:") if kind == "tls" else f"http://127.0.0.1:{closed_port()}/file"
    with pytest.raises(ProvisionError, match="SSL" if kind == "tls" else "refused") as told:
        fetch(url, tmp_path / "file")
    assert told.value.exit_code == ExitCode.UNREACHABLE
    assert not list(tmp_path.iterdir())


def test_full_disk_is_seen_before_it_is_full(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = len(CONTENT) - 1

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    with pytest.raises(ProvisionError, match="MiB free") as told:
        fetch(server.url, tmp_path / "file")
    assert (told.value.exit_code, told.value.where) == (ExitCode.SETUP_BROKEN, str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_mirror_mends_what_was_damaged_on_its_own_disk(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path))
    known = artifact("qdrant", None).model_copy(update={"url": server.url, "checksum": PINNED})
    first = mirror.fetch_pinned(known, lambda _: None)
    again = mirror.fetch_pinned(known, lambda _: None)
    assert (first.outcome, again.outcome) == ("fetched", "present")
    held = tmp_path / "downloads" / str(PINNED.hex)
    held.write_bytes(b"x" + CONTENT[1:])
    assert mirror.fetch_pinned(known, lambda _: None).outcome == "fetched"
    assert held.read_bytes() == CONTENT
