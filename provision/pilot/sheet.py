"""The sheet that people score on: one CSV, out and in again.

The answers come in an order and under keys that do not tell which model gave them.
"""

from __future__ import annotations

import csv
import io
from hashlib import sha256

from provision.errors import ErrorGroup, ProvisionError, UsageError
from provision.models.pilot_result import Answer, PilotResult, Score
from provision.profile.text import show

HEAD = ("key", "use case", "question", "what a good answer has", "answer", "score 0 to 10", "remark")
HIGHEST = 10
BY = "human"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_sheet(result: PilotResult) -> str:
    """Every answer that a person has to score or has scored, those without a score included."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(HEAD)
    cases = {case.name: case for case in result.tests.cases}
    scores = {score.answer: score for score in result.scores}
    for key, answer in sorted(_by_key(result).items()):
        question = cases[answer.case].questions[answer.question]
        value = scores[answer.id].value
        shown = "" if value is None else f"{value * HIGHEST:g}"
        good = question.rubric or "; ".join(question.expected)
        texts = (cases[answer.case].title, question.ask, good, answer.text)
        writer.writerow([key, *map(_plain, texts), shown, ""])
    return stream.getvalue()


def read_sheet(text: str, where: str, result: PilotResult) -> tuple[Score, ...]:
    """The scores of the filled-in sheet; a line without one is left out.

    Raises ErrorGroup of UsageError with every faulty line: an unknown key, one that is there twice, a score that is
    none.
    """
    head, _, _ = text.partition("\n")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";" if head.count(";") >= 6 else ","))
    if not rows or [cell.strip() for cell in rows[0]] != list(HEAD):
        hint = "give the file that `provision pilot run` wrote, with its first line as it was"
        raise ErrorGroup([UsageError("this is no sheet of scores", where=where, hint=hint)])
    known, seen, problems = _by_key(result), set[str](), list[ProvisionError]()
    scores = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        place = f"{where}, row {number}"
        key, given = row[0].strip(), row[5].strip() if len(row) > 5 else ""
        if key not in known or key in seen:
            what = f"the key '{show(key)}' is {'there twice' if key in seen else 'not of this result'}"
            hint = "each answer has one line; give the sheet that came with this result"
            problems.append(UsageError(what, where=place, hint=hint))
            continue
        seen.add(key)
        value = _read_score(given)
        if given and value is None:
            hint = "write a number from 0 to 10, or nothing"
            problems.append(UsageError(f"'{show(given)}' is no score", where=place, hint=hint))
        elif value is not None:
            remark = row[6].strip()[:300] if len(row) > 6 else ""
            scores.append(Score(answer=known[key].id, value=value, by=BY, reason=remark))
    if problems:
        raise ErrorGroup(problems)
    if not scores:
        hint = f"fill in the column '{HEAD[5]}'"
        raise ErrorGroup([UsageError("the sheet has no score in it", where=where, hint=hint)])
    return tuple(scores)


def needs_people(result: PilotResult) -> bool:
    return bool(_by_key(result))


def _by_key(result: PilotResult) -> dict[str, Answer]:
    """Answers for people: those of use cases that are scored by them, and those that a judge could not mark."""
    human = {case.name for case in result.tests.cases if case.scoring == "human"}
    open_scores = {score.answer for score in result.scores if score.value is None or score.by == BY}
    return {
        sha256(f"{result.id} {answer.id}".encode()).hexdigest()[:12]: answer
        for answer in result.answers
        if answer.fate == "answered" and (answer.case in human or answer.id in open_scores)
    }


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _read_score(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value / HIGHEST if 0 <= value <= HIGHEST else None
