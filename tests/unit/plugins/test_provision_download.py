"""The real download code against a real HTTP server on loopback."""

from __future__ import annotations

import grp
import os
import pwd
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BODY = os.urandom(3_000_000)
SHA = sha256(BODY).hexdigest()
ME = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


@pytest.fixture
def module(load_plugin: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(load_plugin("module_utils", "provision_fetch"), "PAUSE_S", 0.01)
    return load_plugin("modules", "provision_download")


@pytest.fixture
def download(module: ModuleType, call_module: Any, file_server: Any, tmp_path: Path) -> Any:
    file_server.files["/model"] = BODY

    def run(sha: str = SHA, url: str | None = None, check: bool = False, **entry: Any) -> dict[str, Any]:
        wanted = {"file": "m.gguf", "url": f"{file_server.url}/model" if url is None else url, "sha256": sha}
        answer: dict[str, Any] = call_module(
            module, check=check, directory=str(tmp_path / "models"), files=[{**wanted, **entry}], **ME
        )
        return answer

    return run


def test_second_run_neither_asks_nor_reads(download: Any, file_server: Any, tmp_path: Path) -> None:
    target = tmp_path / "models" / "m.gguf"
    assert download()["changed_paths"] == [str(target.parent), str(target)]
    assert target.read_bytes() == BODY
    assert target.stat().st_mode & 0o777 == 0o640
    opened = target.stat().st_atime_ns
    os.utime(target, ns=(opened - 10**9, target.stat().st_mtime_ns))
    before = target.stat().st_atime_ns
    again = download()
    assert again["changed"] is False
    assert len(file_server.requests) == 1
    assert target.stat().st_atime_ns == before


def test_broken_off_transfer_goes_on_where_it_ended(download: Any, file_server: Any, tmp_path: Path) -> None:
    file_server.break_off = 2
    assert download()["changed"] is True
    assert (tmp_path / "models" / "m.gguf").read_bytes() == BODY
    assert [asked for _, asked in file_server.requests] == [None, "bytes=1500000-", "bytes=2250000-"]


def test_part_of_a_killed_run_is_continued(download: Any, file_server: Any, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.gguf.part").write_bytes(BODY[:1000])
    assert download()["changed"] is True
    assert file_server.requests == [("/model", "bytes=1000-")]


def test_unfitting_part_is_thrown_away_and_fetched_anew(download: Any, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.gguf.part").write_bytes(b"other")
    assert download()["changed"] is True
    assert (tmp_path / "models" / "m.gguf").read_bytes() == BODY


def test_server_without_ranges_is_read_from_the_start(download: Any, file_server: Any, tmp_path: Path) -> None:
    file_server.ranges = False
    file_server.break_off = 1
    assert download()["changed"] is True
    assert (tmp_path / "models" / "m.gguf").read_bytes() == BODY


def test_wrong_content_is_refused_and_leaves_nothing(download: Any, tmp_path: Path) -> None:
    answer = download(sha="0" * 64)
    assert answer["failed"] is True
    assert SHA in answer["msg"]
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_changed_file_is_noticed_and_replaced(download: Any, tmp_path: Path) -> None:
    download()
    target = tmp_path / "models" / "m.gguf"
    target.write_bytes(b"x" + BODY[1:])
    assert download()["changed_paths"] == [str(target)]
    assert target.read_bytes() == BODY


def test_file_put_there_by_hand_is_taken_without_url(download: Any, file_server: Any, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.gguf").write_bytes(BODY)
    assert download(url="")["changed"] is True
    assert download(url="")["changed"] is False
    assert file_server.requests == []


def test_missing_file_without_url_says_so(download: Any) -> None:
    assert "no url is given" in download(url="")["msg"]


def test_full_disk_is_seen_before_the_download(download: Any, file_server: Any) -> None:
    answer = download(size_mib=10**9)
    assert "MiB more" in answer["msg"]
    assert file_server.requests == []


def test_unknown_page_is_not_tried_again(download: Any, file_server: Any) -> None:
    answer = download(url=f"{file_server.url}/other")
    assert "404" in answer["msg"]
    assert len(file_server.requests) == 1


def test_check_mode_changes_nothing(download: Any, file_server: Any, tmp_path: Path) -> None:
    assert download(check=True)["changed"] is True
    assert not (tmp_path / "models").exists()
    assert file_server.requests == []


def test_another_run_at_the_same_file_is_waited_for(
    download: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    fetching = sys.modules["ansible.module_utils.provision_fetch"]
    monkeypatch.setattr(fetching, "LOCK_WAIT_S", 0.1)
    with fetching.hold_lock(tmp_path / "models"):
        assert "another run holds" in download()["msg"]
    assert download()["changed"] is True
