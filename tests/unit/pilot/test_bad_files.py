"""Bad test sets and targets: every fault at once, with its line, and nothing sent or written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from provision.cli.main import run
from provision.models import pilot as models
from provision.profile.wording import PATTERNS, PILOT_PATTERNS
from tests.unit.pilot.files import PRICE, target, use_cases, write

Captured = pytest.CaptureFixture[str]
URL = "http://127.0.0.1:9/v1"


def complain(tmp_path: Path, capsys: Captured, tests: Any, targets: list[dict[str, Any]]) -> list[dict[str, str]]:
    files = write(tmp_path, tests, targets)
    assert run(["pilot", "run", "--tests", str(files[0]), "--targets", str(files[1]), "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert not (tmp_path / "home").exists()
    assert all(error["where"] and error["hint"] for error in document["errors"])
    return list(document["errors"])


def good_targets() -> list[dict[str, Any]]:
    return [target("a", URL), target("b", URL), target("judge", URL, compared=False)]


def test_every_fault_of_both_files_at_once(tmp_path: Path, capsys: Captured) -> None:
    tests = use_cases()
    tests["cases"][0]["scoring"] = "exakt"
    tests["cases"][1]["questions"] = []
    tests["accept"]["quality"] = 7
    targets = good_targets()
    targets[0]["price"] = PRICE | {"input_per_million": -2}
    targets[1]["base_url"] = "localhost"
    whats = " | ".join(error["what"] for error in complain(tmp_path, capsys, tests, targets))
    for words in ("exakt", "cases[1].questions", "accept.quality", "input_per_million is -2", "targets[1].base_url"):
        assert words in whats


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cases": []}, "cases is a list, which has too few items"),
        ({"may_leave": "public"}, "may_leave"),
        ({"judge": "nobody"}, "the judge 'nobody' is no target"),
        ({"judge": None}, "nobody judges"),
        ({"wrong": 1}, "wrong is not a known key"),
    ],
)
def test_a_faulty_test_set(change: dict[str, Any], words: str, tmp_path: Path, capsys: Captured) -> None:
    errors = complain(tmp_path, capsys, use_cases(**change), good_targets())
    assert words in " | ".join(error["what"] for error in errors)


def test_each_way_of_scoring_needs_its_own(tmp_path: Path, capsys: Captured) -> None:
    tests = use_cases()
    del tests["cases"][0]["questions"][0]["expected"]
    del tests["cases"][1]["questions"][0]["rubric"]
    tests["cases"][2]["name"] = "capital"
    errors = complain(tmp_path, capsys, tests, good_targets())
    assert len(errors) == 3
    assert all("line" in error["where"] for error in errors)


def test_an_empty_file_is_told(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "tests.yml").write_text("")
    assert run(["pilot", "run", "--tests", str(tmp_path / "tests.yml"), "--targets", str(tmp_path / "no.yml")]) == 3
    shown = capsys.readouterr().err
    assert "the file is empty" in shown
    assert "cannot be read" in shown


def test_a_cloud_is_asked_by_https_with_one_key(tmp_path: Path, capsys: Captured) -> None:
    targets = good_targets()
    targets[1] |= {"zone": "cloud", "key_env": "A", "key_file": "/tmp/key"}  # noqa: S108 - never opened
    whats = " | ".join(error["what"] for error in complain(tmp_path, capsys, use_cases(), targets))
    assert "not asked by https" in whats
    assert "two keys" in whats


def test_one_target_is_no_comparison(tmp_path: Path, capsys: Captured) -> None:
    files = write(tmp_path, use_cases(), [target("a", URL), target("judge", URL, compared=False)])
    assert run(["pilot", "run", "--tests", str(files[0]), "--targets", str(files[1])]) == 2
    assert "no comparison" in capsys.readouterr().err


def test_every_pattern_has_words_of_its_own() -> None:
    schema = json.dumps([models.TestSet.model_json_schema(), models.Targets.model_json_schema()])
    used = {json.loads(f'"{found}"') for found in re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', schema)}
    assert used <= set(PATTERNS) | set(PILOT_PATTERNS)
    assert set(PILOT_PATTERNS) <= used
