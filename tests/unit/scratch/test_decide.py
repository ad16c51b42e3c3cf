"""When a scratch disk is formatted: only where it is empty beyond doubt. Else it is mounted as ours, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.scratch.program import load_program

program = load_program()
FOLDER = "/var/lib/provision-models"
EMPTY = program.Disk(kind="disk", mounted=(), parts=(), signatures=(), label="", blank=True)
OURS = replace(EMPTY, signatures=("ext4",), label=program.LABEL, blank=False)


@pytest.mark.parametrize(
    ("disk", "step"),
    [
        (EMPTY, "format"),
        (OURS, "mount"),
        (replace(OURS, mounted=("/var/lib/llama-cpp/models", FOLDER)), "keep"),
    ],
)
def test_empty_ours_and_mounted(disk: object, step: str) -> None:
    assert program.decide("/dev/vdb", disk, FOLDER) == step


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        (replace(EMPTY, kind="part"), "no whole disk"),
        (replace(EMPTY, mounted=("/",)), "mounted at /"),
        (replace(OURS, mounted=("/mnt",)), "mounted at /mnt"),
        (replace(EMPTY, signatures=("ext4",), label="data", mounted=(FOLDER,)), "mounted at"),
        (replace(EMPTY, parts=("/dev/vdb1",)), "/dev/vdb1 on it"),
        (replace(OURS, parts=("/dev/vdb1",)), "/dev/vdb1 on it"),
        (replace(EMPTY, signatures=("gpt",)), "holds gpt"),
        (replace(EMPTY, signatures=("ext4",), label="data"), "holds ext4 data"),
        (replace(EMPTY, signatures=("xfs",), label=program.LABEL), "holds xfs"),
        (replace(OURS, signatures=("ext4", "gpt")), "holds ext4, gpt"),
        (replace(EMPTY, signatures=("LVM2_member",)), "holds LVM2_member"),
        (replace(EMPTY, blank=False), "not empty"),
    ],
)
def test_nothing_else_is_touched(disk: object, words: str) -> None:
    with pytest.raises(program.Refused, match=words):
        program.decide("/dev/vdb", disk, FOLDER)


def test_the_label_is_one_that_ext4_can_hold() -> None:
    assert len(program.LABEL.encode()) <= 16
