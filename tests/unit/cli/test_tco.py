"""`provision tco` as typed: terminal, JSON, the page, and nothing written after a fault."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from provision.cli.main import run

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))


class _Page(HTMLParser):
    """What a screen reader needs: headings in order, the scope of heads, titles of pictures; and every address."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.heads_without_scope = 0
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.addresses: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.heads_without_scope += tag == "th" and "scope" not in given
        self.language = given["lang"] if tag == "html" else self.language
        self.ids += [given["id"]] if "id" in given else []
        self.labels += given.get("aria-labelledby", "").split()
        self.addresses += [given[key] for key in ("href", "src", "action", "xlink:href") if key in given]
        assert tag != "script"


def test_the_terminal_has_the_answer_first(capsys: Captured) -> None:
    assert run(["tco"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Over 3 years claude-team costs least: DKK 116,100.")
    assert "176,000" in out
    assert "Warning: 4 of 4 prices are old" in out


def test_json_holds_curves_crossings_and_effects(capsys: Captured) -> None:
    assert run(["tco", "--case", "h100", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [len(option["curve"]) for option in report["options"]] == [37] * 5
    assert report["token_crossings"]
    assert report["effects"]
    assert report["rates"]["DKK"] == "7.46038"


@pytest.mark.parametrize("case", ["sme", "h100"])
def test_the_page_asks_nobody_and_can_be_read_aloud(case: str, tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "costs.html"
    assert run(["tco", "--case", case, "--html", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    page = _Page(text)
    assert page.addresses == []
    assert "url(" not in text
    assert "@import" not in text
    assert page.language == "en"
    assert page.headings[0] == 1
    assert all(there - here <= 1 for here, there in zip(page.headings, page.headings[1:], strict=False))
    assert page.heads_without_scope == 0
    assert set(page.labels) <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert text.count("<svg") == text.count("<details>"), "every chart has its figures as a table"
    assert file.stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_after_a_fault(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "costs.html"
    file.write_text("the old one")
    bad = ["--set", "self-hosted.purchase.price=-1 DKK", "--set", "currency=GBP"]
    assert run(["tco", "--html", str(file), *bad]) == 3
    err = capsys.readouterr().err
    assert err.count("Error: ") == err.count("Where: --set") == err.count(" Hint: ") == 2
    assert file.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [file]


def test_a_page_in_a_folder_that_is_not_there_is_refused(tmp_path: Path, capsys: Captured) -> None:
    assert run(["tco", "--html", str(tmp_path / "none" / "costs.html")]) == 2
    assert "the page cannot be written" in capsys.readouterr().err


def test_prices_and_figures_as_json(capsys: Captured) -> None:
    assert run(["tco", "--prices", "--json"]) == 0
    prices = json.loads(capsys.readouterr().out)["prices"]
    assert all(price["source"] and price["date"] for price in prices.values())
    assert run(["tco", "--figures", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 45


def test_a_hostile_name_is_shown_and_not_obeyed(tmp_path: Path, capsys: Captured) -> None:
    case, file = tmp_path / "case.yml", tmp_path / "costs.html"
    case.write_text("extends: sme\nname: x\ndescription: <script>alert(1)</script> [red]\n")
    assert run(["tco", "--case", str(case), "--html", str(file)]) == 0
    assert "<script>" not in file.read_text()
    assert "[red]" in capsys.readouterr().out
