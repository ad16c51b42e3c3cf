"""Bundles of the cache, the root file system's key, and locks between processes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.lab import bundles, rootfs
from provision.lab.bundles import bundle_path, ensure_bundle, read_bundle
from provision.lab.locks import held
from provision.lab.spreading import make_spread_folder


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))


def store(release: str, content: bytes) -> Path:
    path = bundle_path(release)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    path.with_name(f"{release}.sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  another machine's\n")
    return path


def test_bundle_is_known_with_or_without_a_matching_stamp() -> None:
    path = store("1.0-abc", b"release")
    first = read_bundle("1.0-abc")
    assert first is not None
    assert (first.sha256, first.size_bytes) == (hashlib.sha256(b"release").hexdigest(), 7)
    assert read_bundle("1.0-abc") == first
    os.utime(path)
    assert read_bundle("1.0-abc") == first


@pytest.mark.parametrize("damage", ["content", "truncated", "no-seal", "gone"])
def test_damaged_bundle_does_not_count(damage: str) -> None:
    path = store("1.0-abc", b"release")
    assert read_bundle("1.0-abc") is not None
    if damage == "content":
        path.write_bytes(b"RELEASE")
    elif damage == "truncated":
        path.write_bytes(b"rel")
    elif damage == "no-seal":
        path.with_name("1.0-abc.sha256").unlink()
    else:
        path.unlink()
    assert read_bundle("1.0-abc") is None


def test_cached_bundle_needs_no_lab(tmp_path: Path) -> None:
    store("1.0-abc", b"release")
    (tmp_path / "build.sh").write_text("exit 1\n")
    said: list[str] = []
    assert ensure_bundle(tmp_path, "1.0-abc", "/opt/x/releases/1.0-abc", said.append).size_bytes == 7
    assert said == []


def test_a_bundle_is_there_before_its_builder_is_taken_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guest's many small files take minutes on a busy disk: who only wants the bundle does not wait for that."""
    (tmp_path / "build.sh").write_text("exit 1\n")
    at_the_end: list[int] = []

    @contextmanager
    def guest(*_: object) -> Iterator[None]:
        yield
        at_the_end.append(ensure_bundle(tmp_path, "1.0-abc", "/opt/x").size_bytes)

    monkeypatch.setattr(bundles, "require_lab", lambda: None)
    monkeypatch.setattr(bundles, "builder_guest", guest)
    for name in ("send_recipe", "run_recipe"):
        monkeypatch.setattr(bundles, name, lambda *_: None)
    monkeypatch.setattr(bundles, "pack_folder", lambda _root, _dest, fresh: fresh.write_bytes(b"release"))
    assert ensure_bundle(tmp_path, "1.0-abc", "/opt/x").size_bytes == 7
    assert at_the_end == [7]


def test_folder_without_a_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"no build\.sh"):
        ensure_bundle(tmp_path, "1.0-abc", "/opt/x/releases/1.0-abc")


def test_rootfs_key_changes_with_all_that_decides_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {rootfs.rootfs_key("bookworm"), rootfs.rootfs_key("noble")}
    for name, value in (
        ("PACKAGES", (*rootfs.PACKAGES, "zip")),
        ("RECIPE_VERSION", rootfs.RECIPE_VERSION + 1),
        ("MASKED_UNITS", rootfs.MASKED_UNITS[1:]),
        ("DPKG_OPTIONS", rootfs.DPKG_OPTIONS[1:]),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(rootfs, name, value)
            keys.add(rootfs.rootfs_key("bookworm"))
    assert len(keys) == 6
    assert rootfs.rootfs_key("bookworm") in keys


@pytest.mark.parametrize(
    ("damage", "sound"), [("none", True), ("content", False), ("no-sum", False), ("no-tar", False)]
)
def test_damaged_rootfs_is_not_used(tmp_path: Path, damage: str, sound: bool) -> None:
    tar, checksum = tmp_path / "k.tar", tmp_path / "k.sha256"
    tar.write_bytes(b"root")
    checksum.write_text(hashlib.sha256(b"root").hexdigest() + "\n")
    if damage == "content":
        tar.write_bytes(b"r00t")
    elif damage == "no-sum":
        checksum.unlink()
    elif damage == "no-tar":
        tar.unlink()
    assert rootfs.is_sound(tar) is sound


HOLD = "import sys, time; from pathlib import Path; from provision.lab.locks import held\n"
HOLD += "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)\n"


def test_lock_keeps_others_out_and_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        other = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.5)
            assert other.poll() is None
            holder.kill()
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
        finally:
            other.kill()
            other.communicate()
    finally:
        holder.kill()
        holder.communicate()


def test_forgotten_lock_leaves_no_file_and_can_be_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with held(path, forget=True):
        assert path.exists()
    assert not path.exists()
    with held(path):
        assert path.exists()


def test_spread_folder_is_an_ordinary_one(tmp_path: Path) -> None:
    make_spread_folder(tmp_path / "rootfs")
    assert [path.name for path in tmp_path.iterdir()] == ["rootfs"]
    assert (tmp_path / "rootfs").stat().st_mode & 0o777 == 0o755
