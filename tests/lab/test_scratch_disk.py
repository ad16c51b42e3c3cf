"""The program of the role scratch on a real block device: a loop device of this machine, made for one test."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.scratch.program import PROGRAM

pytestmark = pytest.mark.lab

SIZE = 64 * 2**20
_MBR = """import sys
with open(sys.argv[1], "r+b") as disk:
    disk.seek(446)
    # One partition of kind Linux, from sector 2048 on, and the mark of a partition table.
    disk.write(bytes.fromhex("00000000830000000008000000080000").ljust(64, bytes(1)) + bytes.fromhex("55aa"))
"""
CONTENT = b"a model\n" * 1000
FETCH = PROGRAM.parents[3] / "plugins/module_utils/provision_fetch.py"


class Scratch:
    """A device, the places where the program mounts it, and one model that a folder serves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.image = folder, folder / "disk"
        self.image.write_bytes(b"")
        os.truncate(self.image, SIZE)
        self.device = run("losetup", "--find", "--show", str(self.image)).strip()
        self.mounted, self.models = folder / "mounted", folder / "models"
        self.published = folder / "published"
        self.published.write_bytes(CONTENT)
        for part in (PROGRAM, FETCH):
            shutil.copy(part, folder)

    @property
    def settings(self) -> dict[str, Any]:
        model = {
            "file": "small.gguf",
            "url": self.published.as_uri(),
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "size_mib": 0,
        }
        store = {"name": "engine", "path": str(self.models), "group": grp.getgrgid(0).gr_name, "units": []}
        return {"device": self.device, "folder": str(self.mounted), "stores": [{**store, "files": [model]}]}

    def do(self, verb: str) -> subprocess.CompletedProcess[str]:
        settings = self.folder / "settings.json"
        settings.write_text(json.dumps(self.settings))
        argv = ["/usr/bin/python3", str(self.folder / PROGRAM.name), verb]
        environment = {**os.environ, "PROVISION_SCRATCH_SETTINGS": str(settings)}
        return subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)

    def stop(self) -> None:
        """As the host does when it shuts down."""
        for place in (self.models, self.mounted):
            subprocess.run(["umount", str(place)], capture_output=True, check=False)

    def digest(self) -> str:
        return hashlib.sha256(Path(self.device).read_bytes()).hexdigest()


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    made = Scratch(Path(tempfile.mkdtemp(prefix="provision-test-", dir="/var/tmp")))
    try:
        yield made
    finally:
        made.stop()
        run("losetup", "--detach", made.device)
        shutil.rmtree(made.folder)


def run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_an_empty_disk_is_formatted_once_and_keeps_its_models(scratch: Scratch) -> None:
    first = scratch.do("mount")
    assert first.returncode == 0, first.stderr
    assert "is empty" in first.stdout
    assert os.path.ismount(scratch.mounted)
    assert os.path.ismount(scratch.models)
    assert scratch.do("fetch").returncode == 0
    assert (scratch.models / "small.gguf").read_bytes() == CONTENT
    assert (scratch.models / "small.gguf").stat().st_mode & 0o777 == 0o640
    scratch.stop()
    assert not (scratch.models / "small.gguf").exists()
    for _ in range(2):
        again = scratch.do("mount")
        assert (again.returncode, again.stdout) == (0, ""), again.stderr
    scratch.published.unlink()
    assert scratch.do("fetch").returncode == 0, "what is there is not fetched again"


def test_a_disk_that_a_stop_emptied_gets_its_models_back(scratch: Scratch) -> None:
    assert scratch.do("mount").returncode == 0
    assert scratch.do("fetch").returncode == 0
    scratch.stop()
    with Path(scratch.device).open("r+b") as stream:
        stream.write(bytes(SIZE))
    assert "is empty" in scratch.do("mount").stdout
    assert not (scratch.models / "small.gguf").exists()
    fetched = scratch.do("fetch")
    assert "fetching" in fetched.stdout
    assert (scratch.models / "small.gguf").read_bytes() == CONTENT


def test_another_file_than_the_pinned_one_is_not_kept(scratch: Scratch) -> None:
    assert scratch.do("mount").returncode == 0
    scratch.published.write_bytes(b"something else")
    done = scratch.do("fetch")
    assert done.returncode == 1
    assert "is pinned; it was thrown away" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (scratch.models / "small.gguf").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (("mkfs.ext4", "-q", "-L", "data"), "holds ext4 data"),
        (("mkswap",), "holds swap"),
        (("python3", "-c", _MBR), "holds dos"),
        (("dd", "if=/dev/urandom", "bs=4096", "count=1", "conv=notrunc", "status=none"), "not empty"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_somebody_elses_is_left_byte_for_byte(scratch: Scratch, content: tuple[str, ...], words: str) -> None:
    target = f"of={scratch.device}" if content[0] == "dd" else scratch.device
    subprocess.run([*content, target], input="", text=True, capture_output=True, check=True)
    before = scratch.digest()
    done = scratch.do("mount")
    assert done.returncode == 1
    assert words in done.stderr
    assert "hardware.scratch" in done.stderr
    assert not os.path.ismount(scratch.mounted)
    assert scratch.digest() == before


def test_what_is_mounted_elsewhere_is_left(scratch: Scratch) -> None:
    assert scratch.do("mount").returncode == 0
    scratch.stop()
    other = scratch.folder / "other"
    other.mkdir()
    run("mount", scratch.device, str(other))
    try:
        done = scratch.do("mount")
        assert done.returncode == 1
        assert f"mounted at {other}" in done.stderr
    finally:
        run("umount", str(other))
