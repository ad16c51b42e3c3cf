"""What the engine's unit noted of the cards before it loaded: a file that others may have put there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from provision.models.observation import VramBefore
    from tests.unit.probe.conftest import Probe


def notes(probe: Probe, entries: list[dict[str, str]]) -> tuple[VramBefore, ...]:
    seen = probe({"vram_before": entries}).vram_before
    assert seen is not None
    return seen


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"format": 1}', "\x00", '{"format": 1, "gpu": {}}'])
def test_a_note_that_the_probe_did_not_write_is_told(probe: Probe, tmp_path: Path, content: str) -> None:
    note = tmp_path / "before.json"
    note.write_text(content)
    (before,) = notes(probe, [{"engine": "chat", "path": str(note)}])
    assert before.gpu is None
    assert before.error


def test_a_note_that_is_no_file_does_not_hold_the_probe_up(probe: Probe, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    entries = [{"engine": name, "path": str(tmp_path / name)} for name in ("pipe", "link")]
    pipe, link = notes(probe, entries)
    assert "no regular file" in (pipe.error or "")
    assert "symbolic link" in (link.error or "")
