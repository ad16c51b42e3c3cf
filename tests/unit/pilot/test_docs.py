"""The examples of docs/pilot.md are files that load."""

from __future__ import annotations

import re
from pathlib import Path

from provision.pilot.read import read_pilot

PAGE = Path(__file__).parents[3] / "docs" / "pilot.md"


def test_the_examples_load(tmp_path: Path) -> None:
    tests, targets = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "tests.yml").write_text(tests)
    (tmp_path / "targets.yml").write_text(targets)
    test_set, named = read_pilot(tmp_path / "tests.yml", tmp_path / "targets.yml")
    assert {case.scoring for case in test_set.cases} == {"exact", "rubric", "human"}
    assert [target.name for target in named if not target.compared] == [test_set.judge]
