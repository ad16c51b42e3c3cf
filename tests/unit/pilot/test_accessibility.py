"""The pages of `tco`, `advise` and `pilot`, made as typed, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.advise.describe import EXAMPLES
from provision.cli.main import run
from tests.accessibility.check import assert_accessible
from tests.stand_ins.openai_server import StandIn
from tests.unit.pilot.files import PRICE, target, use_cases, write

pytestmark = pytest.mark.slow


def test_every_page_in_light_and_dark(home: StandIn, judge: StandIn, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    answers = sorted(EXAMPLES.glob("*.yml"))
    assert answers
    for case in ("sme", "h100"):
        assert run(["tco", "--case", case, "--html", str(made / f"tco-{case}.html")]) == 0
    for file in answers:
        assert run(["advise", "--answers", str(file), "--html", str(made / f"advice-{file.stem}.html")]) == 0
    targets = [target("a", home.url, price=PRICE), target("b", home.url), target("judge", judge.url, compared=False)]
    tests, asked = write(tmp_path, use_cases(), targets)[:2]
    assert run(["pilot", "run", "--tests", str(tests), "--targets", str(asked), "-o", str(tmp_path / "out")]) == 0
    pages = {path.name: path.read_bytes() for path in made.iterdir()}
    assert_accessible({**pages, "pilot.html": (tmp_path / "out" / "report.html").read_bytes()}, tmp_path)
