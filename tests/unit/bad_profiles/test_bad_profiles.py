"""Every bad profile is refused with its exit code, in three lines each, all errors at once, and quickly."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, ExitCode, ProvisionError
from provision.planner import build_plan
from provision.profile import load_profile
from tests.unit.bad_profiles.cases import BAD_PROFILES, BadProfile
from tests.unit.bad_profiles.texts import COMPLETE, extend

INVALID = [case for case in BAD_PROFILES if case.exit_code == ExitCode.PROFILE_INVALID]
IMPOSSIBLE = [case for case in BAD_PROFILES if case.exit_code == ExitCode.PLAN_IMPOSSIBLE]


def test_there_are_sixty_of_different_names() -> None:
    assert len(BAD_PROFILES) >= 60
    assert len({case.id for case in BAD_PROFILES}) == len(BAD_PROFILES)
    assert {*INVALID, *IMPOSSIBLE} == set(BAD_PROFILES)


@pytest.mark.parametrize("text", [COMPLETE, extend("description: nothing is wrong here")])
def test_the_texts_they_spoil_are_good(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rig.yml"
    path.write_text(text, encoding="utf-8")
    assert load_profile(str(path)).profile.name == "rig"


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.id)
def test_the_loader_refuses(tmp_path: Path, case: BadProfile) -> None:
    path = tmp_path / "rig.yml"
    path.write_bytes(case.content)
    before = time.process_time()
    with pytest.raises(ErrorGroup) as caught:
        load_profile(str(path))
    assert time.process_time() - before < 10, "a file of a hostile shape must not stall the command"
    judge(case, caught.value.errors)
    assert len(caught.value.errors) == case.errors
    assert caught.value.exit_code == case.exit_code
    assert all(str(path) in error.where for error in caught.value.errors)
    assert path.read_bytes() == case.content


@pytest.mark.parametrize("case", IMPOSSIBLE, ids=lambda case: case.id)
def test_the_planner_refuses(tmp_path: Path, case: BadProfile) -> None:
    path = tmp_path / "rig.yml"
    path.write_bytes(case.content)
    profile = load_profile(str(path)).profile
    try:
        build_plan(profile, load_catalog(), client="rig", target="live", lab=None)
    except ErrorGroup as group:
        judge(case, group.errors)
    except ProvisionError as error:
        judge(case, (error,))
    else:
        pytest.fail("a plan was made")


def judge(case: BadProfile, errors: tuple[ProvisionError, ...]) -> None:
    shown = "\n\n".join(map(str, errors))
    for word in case.words:
        assert word in shown
    for error in errors:
        assert error.exit_code == case.exit_code
        lines = str(error).split("\n")
        assert [line[:7] for line in lines] == ["Error: ", "Where: ", " Hint: "], shown
        assert all(line[7:].strip() and line.isprintable() and len(line) < 400 for line in lines), shown
