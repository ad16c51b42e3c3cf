"""Every bad profile through the command line: exit code, three lines per error, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.cli.main import run
from tests.unit.bad_profiles.cases import BAD_PROFILES, BadProfile


@pytest.mark.parametrize("case", BAD_PROFILES, ids=lambda case: case.id)
@pytest.mark.parametrize("verb", [["plan"], ["up", "--lab", "--yes"]], ids=["plan", "up"])
def test_refused_before_anything_is_changed(
    case: BadProfile,
    verb: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("PROVISION_HOME", str(home))
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path / "cache"))
    profile = tmp_path / "bad.yml"
    profile.write_bytes(case.content)
    assert run([*verb, "--profile", str(profile)]) == case.exit_code
    lines = capsys.readouterr().err.splitlines()
    starts = [line for line in lines if line]
    assert len(starts) % 3 == 0
    for number, line in enumerate(starts):
        assert line.startswith(("Error: ", "Where: ", " Hint: ")[number % 3])
    assert not home.exists()
    assert not (tmp_path / "cache").exists()
