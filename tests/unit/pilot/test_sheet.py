"""People's scores: the sheet out, filled in, and in again."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from provision.cli.main import run
from tests.stand_ins.openai_server import StandIn
from tests.unit.pilot.files import target, use_cases, write

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def made(home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured) -> Path:
    targets = [target("a", home.url), target("b", home.url), target("judge", judge.url, compared=False)]
    files = write(tmp_path, use_cases(), targets)
    assert run(["pilot", "run", "--tests", str(files[0]), "--targets", str(files[1]), "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    return tmp_path / "out"


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def fill(path: Path, rows: list[list[str]], delimiter: str = ",") -> Path:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    path.write_text(stream.getvalue(), encoding="utf-8")
    return path


def score(made: Path, sheet: Path, capsys: Captured, code: int = 0) -> Any:
    assert run(["pilot", "score", str(made / "result.json"), "--sheet", str(sheet), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_sheet_does_not_tell_who_answered_and_holds_no_formula(made: Path) -> None:
    rows = read(made / "sheet.csv")
    assert len(rows) == 1 + 2 * 2
    text = (made / "sheet.csv").read_text()
    assert ",a," not in text
    assert ",b," not in text
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_scores_come_back_and_decide(delimiter: str, made: Path, tmp_path: Path, capsys: Captured) -> None:
    rows = read(made / "sheet.csv")
    for row in rows[1:]:
        row[5], row[6] = "7,5", "good"
    found = score(made, fill(tmp_path / "filled.csv", rows, delimiter), capsys)["result"]
    summaries = [item for item in found["cases"] if item["case"] == "summary"]
    assert [(item["quality"], item["standing"]) for item in summaries] == [(0.75, "passes")] * 2
    assert found["verdict"]["outcome"] == "home"
    assert json.loads((made / "result.json").read_text())["verdict"]["outcome"] == "home"
    assert "passes" in (made / "report.html").read_text()


def test_a_sheet_that_is_filled_in_half_stays_open(made: Path, tmp_path: Path, capsys: Captured) -> None:
    rows = read(made / "sheet.csv")
    rows[1][5] = "10"
    found = score(made, fill(tmp_path / "half.csv", rows), capsys)["result"]
    assert found["verdict"]["outcome"] == "open"


def test_a_faulty_sheet_changes_nothing_and_tells_every_line(made: Path, tmp_path: Path, capsys: Captured) -> None:
    before = (made / "result.json").read_bytes()
    rows = read(made / "sheet.csv")
    rows[1][5], rows[2][5], rows[3][0] = "11", "good", "nobody"
    rows.append([*rows[1][:5], "3", ""])
    document = score(made, fill(tmp_path / "bad.csv", rows), capsys, code=2)
    assert len(document["errors"]) == 4
    assert all("row" in error["where"] for error in document["errors"])
    assert (made / "result.json").read_bytes() == before


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n", '"'])
def test_what_is_no_sheet_is_refused(text: str, made: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "no.csv").write_text(text)
    assert "no sheet" in score(made, tmp_path / "no.csv", capsys, code=2)["errors"][0]["what"]


def test_an_empty_column_is_told(made: Path, capsys: Captured) -> None:
    assert "no score in it" in score(made, made / "sheet.csv", capsys, code=2)["errors"][0]["what"]


def test_a_result_that_is_none_is_refused(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "result.json").write_text("{}")
    argv = ["pilot", "score", str(tmp_path / "result.json"), "--sheet", str(tmp_path / "result.json")]
    assert run(argv) == 5
    assert "no result of a pilot" in capsys.readouterr().err
