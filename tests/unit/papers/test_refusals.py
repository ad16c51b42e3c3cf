"""Evidence that does not hold makes no papers, and what was there stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.cli.main import run
from provision.errors import ErrorGroup, SetupError, UsageError
from provision.pipeline.evidence import Given, Made, make_papers, write_papers
from provision.runner.workspace import Workspace, write_private
from provision.verify.receipt import ReceiptError, load_or_create_signing_key
from tests.unit.papers.conftest import OPTIONS, POLICY

CHOICE = ["evidence", "--profile", "sme-2x4090", "--lab"]


def receipt_of(workspace: Workspace) -> Path:
    return next(workspace.receipts.glob("*.json"))


def alone(caught: pytest.ExceptionInfo[ErrorGroup]) -> object:
    (error,) = caught.value.errors
    return error


def test_a_changed_receipt_is_refused(stack: Workspace) -> None:
    path = receipt_of(stack)
    path.write_text(path.read_text().replace('"verdict": "passed"', '"verdict": "failed"'))
    with pytest.raises(ErrorGroup) as caught:
        make_papers(OPTIONS, Given())
    error = alone(caught)
    assert isinstance(error, ReceiptError)
    assert "changed after signing" in error.what


def test_a_receipt_of_another_key_is_refused(stack: Workspace) -> None:
    stack.signing_key.unlink()
    load_or_create_signing_key(stack.signing_key)
    with pytest.raises(ErrorGroup) as caught:
        make_papers(OPTIONS, Given())
    assert "unknown key" in str(alone(caught))


def test_without_a_receipt_there_is_nothing_to_tell(stack: Workspace) -> None:
    receipt_of(stack).unlink()
    with pytest.raises(ErrorGroup) as caught:
        make_papers(OPTIONS, Given())
    assert "no receipt" in str(alone(caught))
    assert "provision verify" in str(alone(caught))


def test_a_receipt_of_another_plan_is_refused(stack: Workspace) -> None:
    document = json.loads(stack.plan_file.read_text())
    document["domain"] = "other.internal"
    write_private(stack.plan_file, json.dumps(document))
    with pytest.raises(ErrorGroup) as caught:
        make_papers(OPTIONS, Given())
    assert "another plan" in str(alone(caught))


def test_every_fault_of_every_file_comes_at_once(stack: Workspace, tmp_path: Path) -> None:
    receipt_of(stack).unlink()
    answers = tmp_path / "answers.yml"
    answers.write_text("format: 1\nanswers: {nonsense: {answer: x, by: y, day: 2026-11-01}}\n")
    with pytest.raises(ErrorGroup) as caught:
        make_papers(OPTIONS, Given(policy=tmp_path / "none.yml", answers=answers))
    told = [error.what for error in caught.value.errors]
    assert len(told) == 3
    assert "receipt" in told[0]
    assert "policy" in told[1]
    assert "nonsense" in told[2]


def test_a_failed_run_writes_nothing_and_old_papers_survive(
    stack: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "papers"
    assert run([*CHOICE, "--out", str(out), "--policy", str(POLICY)]) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert len(before) == 19, "eight papers as HTML and PDF, the index, the bill of materials, the manifest"
    receipt = receipt_of(stack)
    receipt.write_text(receipt.read_text().replace("20261130T040000Z", "20261130T040001Z"))
    capsys.readouterr()
    assert run([*CHOICE, "--out", str(out), "--policy", str(POLICY), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert set(told["errors"][0]) == {"what", "where", "hint"}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".papers")] == []


def test_a_folder_of_somebody_else_is_left_alone(made: Made, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="did not write"):
        write_papers(made, {"a.html": b"x"}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_full_disk_leaves_the_old_papers(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "papers"
    write_papers(made, {"a.html": b"old"}, out)

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SetupError, match="No space left"):
        write_papers(made, {"a.html": b"new"}, out)
    assert (out / "a.html").read_bytes() == b"old"


def test_questions_are_printed_without_any_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evidence", "--questions"]) == 0
    assert "prohibited-scoring:" in capsys.readouterr().out
