"""`provision advise` on the command line: outputs, refusals, nothing written where something is wrong."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from provision.advise import load_rulebook, parse_answers
from provision.advise.describe import EXAMPLES
from provision.cli.main import run
from provision.models.advice import Advice
from provision.pipeline.advise import list_workloads
from provision.ui.advice_html import render_advice_html
from provision.ui.advice_questions import ask_answers
from tests.unit.ui.test_receipt_files import HOSTILE, Page

Captured = pytest.CaptureFixture[str]
LAW_FIRM = str(EXAMPLES / "law-firm.yml")


def test_the_terminal_says_all_that_json_says(capsys: Captured) -> None:
    assert run(["advise", "--answers", LAW_FIRM, "--json"]) == 0
    advice = Advice.model_validate_json(capsys.readouterr().out)
    assert run(["advise", "--answers", LAW_FIRM]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for statement in (*advice.statements, *advice.decisions):
        assert " ".join(statement.text.split()) in shown
        assert f"[{statement.rule}; {statement.source.title}, {statement.source.section}]" in shown
    for placement in advice.placements:
        assert placement.use_case in shown


def test_explain_prints_every_rule(capsys: Captured) -> None:
    assert run(["advise", "--explain", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert [line["id"] for line in lines] == [rule.id for rule in load_rulebook().rules]
    assert run(["advise", "--explain"]) == 0
    shown = capsys.readouterr().out
    assert all(line["id"] in shown for line in lines)


def test_the_files_are_written(tmp_path: Path, capsys: Captured) -> None:
    names = {option: tmp_path / option for option in ("html", "policy", "profile-file")}
    options = [word for option, path in names.items() for word in (f"--{option}", str(path))]
    assert run(["advise", "--answers", LAW_FIRM, *options]) == 0
    assert "Advice: Hybrid" in names["html"].read_text()
    assert "default_class: internal" in names["policy"].read_text()
    assert "extends: sme-2x4090" in names["profile-file"].read_text()
    assert run(["advise", "--answers", LAW_FIRM, *options]) == 2
    assert capsys.readouterr().err.count("there is a file of that name already") == 3


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--answers", "{}/none.yml"], 3, "cannot be read"),
        (["--answers", LAW_FIRM, "--html", "{}/no/a.html"], 2, "its folder does not exist"),
        (["--answers", LAW_FIRM, "--html", "{}/a", "--policy", "{}/a"], 2, "two outputs have the same name"),
        (["--answers", str(EXAMPLES / "marketing-team.yml"), "--html", "{}/a", "--policy", "{}/b"], 2, "no model runs"),
        (["--answers", LAW_FIRM, "--save", "{}/a"], 2, "in a file already"),
    ],
)
def test_a_refusal_writes_nothing(tmp_path: Path, capsys: Captured, options: list[str], code: int, words: str) -> None:
    assert run(["advise", *(option.replace("{}", str(tmp_path)) for option in options)]) == code
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("Where:") == shown.count(" Hint:") == 1
    assert not list(tmp_path.iterdir())


def test_without_a_terminal_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("15\n"))
    assert run(["advise"]) == 2
    assert "--answers FILE" in capsys.readouterr().err


TYPED = (
    "0\n15\n\nin_house\non_premises\n3225\n\ny\nn\nnot_run\n"
    "contracts\ncontract_review\nsecret\nconfidential, secrecy\nn\ny\n"
    "news\nmarketing\npublic\n\nn\n\n"
)
"""With a number that is too small and a class that does not exist, each asked again."""


def test_the_questions_give_a_file_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(TYPED))
    answers = parse_answers(ask_answers(Console(file=io.StringIO()), list_workloads()), "typed")
    assert (answers.people, answers.at_once, answers.cloud_dkk_per_month) == (15, 15, 3225)
    assert (answers.customers_ask, answers.on_premises_required, answers.tokens_per_month) == (True, False, None)
    assert [(case.name, case.data) for case in answers.use_cases] == [
        ("contracts", ("confidential", "secrecy")),
        ("news", ("public",)),
    ]


def test_at_a_real_terminal_it_asks_and_saves(tmp_path: Path) -> None:
    mine, theirs = pty.openpty()
    saved = tmp_path / "answers.yml"
    program = [sys.executable, "-m", "provision.cli.main", "advise", "--save", str(saved), "--json"]
    with subprocess.Popen(program, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(mine, TYPED.encode())
        out, _ = process.communicate(timeout=120)
    os.close(mine)
    os.close(theirs)
    assert process.returncode == 0
    assert json.loads(out)["profile"] == "sme-2x4090"
    assert parse_answers(saved.read_text(), "saved").people == 15


def test_the_page_asks_nobody_and_escapes_everything(capsys: Captured) -> None:
    assert run(["advise", "--answers", LAW_FIRM, "--json"]) == 0
    advice = Advice.model_validate_json(capsys.readouterr().out)
    hostile = tuple(one.model_copy(update={"text": HOSTILE, "about": HOSTILE}) for one in advice.statements)
    text = render_advice_html(advice.model_copy(update={"statements": hostile, "profile": HOSTILE}))
    page = Page(text)
    assert not page.open
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not re.search(r"""(src|href)=|url\(|@import""", text.replace("src=x", ""))
    assert text.count('scope="row"') == len(advice.placements) + len(advice.models)
