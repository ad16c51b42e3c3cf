"""The file of answers: every fault at once, and never an answer that nobody gave."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from provision.errors import ErrorGroup
from provision.papers.answers import load_questions, read_answers, render_template

TODAY = date(2026, 11, 30)


def test_the_printed_file_is_valid_and_answers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answers.yml"
    path.write_text(render_template())
    assert read_answers(path, TODAY).given == {}
    assert all(f"\n  {name}:\n" in render_template() for name in load_questions())


def test_answers_keep_who_said_them_and_when(tmp_path: Path) -> None:
    path = tmp_path / "answers.yml"
    path.write_text('format: 1\nanswers:\n  firm: {answer: "Hansen ApS", by: "M. Hansen", day: 2026-11-28}\n')
    answer = read_answers(path, TODAY).given["firm"]
    assert (answer.answer, answer.by, answer.day) == ("Hansen ApS", "M. Hansen", date(2026, 11, 28))


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "answers.yml"
    path.write_text(
        "format: 2\nextra: 1\nanswers:\n"
        "  nonsense: {answer: x, by: A, day: 2026-11-01}\n"
        "  firm: {answer: true, by: A, day: 2026-11-01}\n"
        "  high-education: {answer: perhaps, by: A, day: 2026-11-01}\n"
        '  purposes: {answer: "   ", by: A, day: 2026-11-01}\n'
        "  data-subjects: {answer: clients, by: A, day: 2027-01-01}\n"
        "  erasure: {answer: after a year}\n"
    )
    with pytest.raises(ErrorGroup) as caught:
        read_answers(path, TODAY)
    told = [error.what for error in caught.value.errors]
    for part in ("format", "'extra'", "nonsense", "firm", "high-education", "purposes", "data-subjects", "erasure"):
        assert any(part in what for what in told), f"{part} is not told in {told}"
    assert all(error.where == str(path) and error.hint for error in caught.value.errors)


@pytest.mark.parametrize("text", ["", "- a", "format: 1", "answers: [1]", "a: [", "\x00", "&a [*a]"])
def test_what_is_no_file_of_answers_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.yml"
    path.write_text(text)
    with pytest.raises(Exception, match=r"answers cannot be used|problems"):
        read_answers(path, TODAY)


def test_questions_name_the_law_that_asks_them() -> None:
    for question in load_questions().values():
        assert "AI Act" in question.law or "GDPR" in question.law
        assert question.decides == "nothing" or question.kind == "yes_no"
