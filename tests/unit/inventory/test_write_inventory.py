"""The tree on disk: complete or as it was before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.inventory import write_inventory

HEAD = "# Written by provision from the plan.\n"
OLD = {"hosts.yml": HEAD + "old: 1\n", "host_vars/gone.yml": "x: 1\n"}
NEW = {"hosts.yml": HEAD + "new: 1\n", "group_vars/all/main.yml": "y: 2\n"}


def read(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_tree_replaces_the_former_one_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "inventory"
    for tree in (OLD, NEW):
        write_inventory(tree, target)
        assert read(target) == tree
    assert [path.name for path in target.parent.iterdir()] == ["inventory"]


def test_what_is_right_is_not_touched(tmp_path: Path) -> None:
    target = tmp_path / "inventory"
    write_inventory(OLD, target)
    before = target.stat().st_ino, (target / "hosts.yml").stat().st_mtime_ns
    write_inventory(OLD, target)
    assert (target.stat().st_ino, (target / "hosts.yml").stat().st_mtime_ns) == before


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    write_inventory(NEW, tmp_path)
    assert read(tmp_path) == NEW


@pytest.mark.parametrize("content", [{"notes.txt": "mine"}, {"hosts.yml": "all: {}\n"}])
def test_what_others_wrote_is_left_alone(content: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "inventory"
    target.mkdir()
    for name, text in content.items():
        (target / name).write_text(text)
    with pytest.raises(SetupError, match="did not write"):
        write_inventory(NEW, target)
    assert read(target) == content


def test_a_file_or_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    for name in ("file", "link", "dangling"):
        with pytest.raises(SetupError, match="did not write"):
            write_inventory(NEW, tmp_path / name)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_failure_leaves_the_old_tree(
    failing: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No space while writing, and a rename that fails at either of its two places."""
    target = tmp_path / "inventory"
    write_inventory(OLD, target)
    real = getattr(Path, failing)
    calls: list[str] = []

    def fail(self: Path, *arguments: object, **named: object) -> object:
        calls.append(str(self))
        if len(calls) == after + 1:
            raise OSError(28, os.strerror(28))
        return real(self, *arguments, **named)

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(SetupError, match="No space left"):
        write_inventory(NEW, target)
    monkeypatch.undo()
    assert read(target) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["inventory"]
    write_inventory(NEW, target)
    assert read(target) == NEW
