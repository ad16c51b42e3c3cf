"""A pinned file arrives whole or not at all, and an interrupted fetch goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from provision.errors import SetupError, UnreachableError
from provision.models.artifact import Checksum
from provision.pipeline import fetching
from tests.unit.pipeline.upstream import CONTENT, Upstream, serve_upstream

PINNED = Checksum(algorithm="sha256", hex=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    monkeypatch.setattr(fetching, "TIMEOUT", httpx.Timeout(0.5))
    monkeypatch.setattr(fetching, "PAUSE_S", 0.01)
    with serve_upstream() as server:
        server.files["/file"] = CONTENT
        yield server


def fetch(upstream: Upstream, target: Path, checksum: Checksum = PINNED) -> None:
    fetching.fetch_file(f"{upstream.url}/file", checksum, target, lambda _: None)


def test_file_arrives_whole(upstream: Upstream, tmp_path: Path) -> None:
    fetch(upstream, tmp_path / "new" / "file")
    assert (tmp_path / "new" / "file").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_other_file_is_removed(upstream: Upstream, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="not the one that is pinned"):
        fetch(upstream, tmp_path / "file", Checksum(algorithm="sha256", hex="0" * 64))
    assert not list(tmp_path.iterdir())


def test_what_came_before_a_break_is_kept(upstream: Upstream, tmp_path: Path) -> None:
    upstream.cut.add("/file")
    with pytest.raises(UnreachableError, match="cannot be fetched"):
        fetch(upstream, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file.part"]
    upstream.cut.clear()
    fetch(upstream, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_leftover_of_another_file_does_not_stay(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"something else, and longer than the file " * 4000)
    fetch(upstream, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("fault", ["missing", "silent"])
def test_server_that_does_not_serve_it(upstream: Upstream, tmp_path: Path, fault: str) -> None:
    if fault == "missing":
        upstream.files.clear()
    else:
        upstream.silent.add("/file")
    with pytest.raises(UnreachableError):
        fetch(upstream, tmp_path / "file")
    assert not (tmp_path / "file").exists()
