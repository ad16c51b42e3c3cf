"""What a machine lacks for a lab, told with the package that brings it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from provision.errors import ErrorGroup
from provision.lab import requirements


@pytest.fixture
def ids(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    files = (tmp_path / "subuid", tmp_path / "subgid")
    monkeypatch.setattr(requirements, "SUBID_FILES", files)
    return files


def run_as(monkeypatch: pytest.MonkeyPatch, uid: int, family: str = "debian") -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(requirements, "os_release", lambda: {"ID": family})


def lack(monkeypatch: pytest.MonkeyPatch, *commands: str) -> None:
    def which(command: str, **_: object) -> str | None:
        return None if command in commands else f"/usr/bin/{command}"

    monkeypatch.setattr(shutil, "which", which)


@pytest.mark.usefixtures("ids")
def test_root_with_all_commands_lacks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, 0)
    lack(monkeypatch)
    assert requirements.missing_requirements() == []


@pytest.mark.usefixtures("ids")
def test_each_missing_command_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, 0)
    lack(monkeypatch, "lxc-start", "newuidmap")
    hints = [problem.hint for problem in requirements.missing_requirements()]
    assert hints == ["apt-get install --yes lxc", "apt-get install --yes uidmap"]
    with pytest.raises(ErrorGroup):
        requirements.require_lab()


@pytest.mark.usefixtures("ids")
def test_ordinary_user_hears_everything_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, 1000)
    lack(monkeypatch, "nft")
    problems = requirements.missing_requirements()
    assert [problem.what.split()[0] for problem in problems] == ["a", "the", "root", "root"]
    assert "uid 1000" in problems[0].where


def test_foreign_systems_are_told_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, 0, "fedora")
    (problem,) = requirements.missing_requirements()
    assert "fedora" in problem.where
    assert "plan, fit and render" in problem.hint


def test_subids_are_added_once_and_others_kept(ids: tuple[Path, Path]) -> None:
    uids, gids = ids
    uids.write_text("someone:165536:65536")
    requirements.ensure_subids()
    requirements.ensure_subids()
    assert uids.read_text() == "someone:165536:65536\nroot:100000:65536\n"
    assert gids.read_text() == "root:100000:65536\n"


@pytest.mark.parametrize("line", ["root:100000:65536", "0:100000:65536", "root:50000:1000000"])
def test_a_line_that_covers_the_range_is_enough(ids: tuple[Path, Path], line: str) -> None:
    for path in ids:
        path.write_text(f"{line}\n")
    requirements.ensure_subids()
    assert ids[0].read_text() == f"{line}\n"


@pytest.mark.parametrize("line", ["root:100000:1000", "other:100000:65536", "root:200000:65536", "root:x:y"])
def test_a_line_that_does_not_cover_the_range_is_not(ids: tuple[Path, Path], line: str) -> None:
    for path in ids:
        path.write_text(f"{line}\n")
    requirements.ensure_subids()
    assert ids[0].read_text() == f"{line}\nroot:100000:65536\n"


def test_os_release_is_read_with_and_without_quotes(tmp_path: Path) -> None:
    path = tmp_path / "os-release"
    path.write_text('# comment\nID=debian\nVERSION_CODENAME="bookworm"\n')
    assert requirements.os_release(path) == {"ID": "debian", "VERSION_CODENAME": "bookworm"}
