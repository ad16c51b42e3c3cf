"""The questions that only a person can answer, and the file with the answers: who said it, when, and what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from provision.errors import ErrorGroup, ProvisionError, UsageError
from provision.models.base import Frozen

_DATA = Path(__file__).parent / "data" / "questions.yml"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_BYTES = 2**20
PaperName = Literal["inventory", "processing", "impact", "notice", "retention"]
Decides = Literal[
    "prohibited", "high_risk", "high_risk_product", "exception", "transparency", "provider", "model", "nothing"
]


class Question(Frozen):
    """`decides`: what a 'yes' means for the classification."""

    id: str
    paper: PaperName
    kind: Literal["text", "yes_no"]
    topic: str
    question: str
    law: str
    decides: Decides = "nothing"


class Answer(Frozen):
    """`answer`: a text, or true or false to a question of yes or no. `by` is a person's name, `day` that of it."""

    answer: bool | str
    by: str = Field(min_length=1, max_length=200)
    day: date
    reason: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Answer:
        if isinstance(self.answer, str) and not self.answer.strip():
            raise ValueError("an empty text answers nothing: remove the entry")
        return self


class Answers(Frozen):
    """`path` is "" where no file was given."""

    path: str
    given: dict[str, Answer]


@cache
def load_questions() -> dict[str, Question]:
    """All questions by id, in the order in which they are asked."""
    content: dict[str, Any] = yaml.load(_DATA.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - safe
    return TypeAdapter(dict[str, Question]).validate_python(
        {key: {"id": key} | entry for key, entry in content.items()}
    )


def read_answers(path: Path | None, today: date) -> Answers:
    """`{format: 1, answers: {ID: {answer, by, day, reason}}}`. Raises ErrorGroup with every fault of the file."""
    if path is None:
        return Answers(path="", given={})
    content = _read(path)
    faults: list[ProvisionError] = []
    entries = content.get("answers")
    for key in content.keys() - {"format", "answers"}:
        faults.append(_fault(path, f"there is no key '{key}'"))
    if content.get("format") != 1:
        faults.append(_fault(path, "format is not 1"))
    if not isinstance(entries, Mapping):
        raise ErrorGroup([*faults, _fault(path, "answers is no mapping from questions to answers")])
    given: dict[str, Answer] = {}
    for key, entry in entries.items():
        if entry is None:
            continue  # left open
        try:
            given[str(key)] = _check(str(key), entry, today)
        except ValidationError as error:
            faults += [
                _fault(path, f"answers.{key}: {'.'.join(map(str, e['loc']))} {e['msg']}".replace(":  ", ": "))
                for e in error.errors(include_url=False)
            ]
        except ValueError as error:
            faults.append(_fault(path, f"answers.{key}: {error}"))
    if faults:
        raise ErrorGroup(faults)
    return Answers(path=str(path), given=given)


def _check(key: str, entry: object, today: date) -> Answer:
    question = load_questions().get(key)
    if question is None:
        raise ValueError("there is no such question")
    answer = Answer.model_validate(entry)
    if isinstance(answer.answer, bool) != (question.kind == "yes_no"):
        raise ValueError("answer is yes or no" if question.kind == "yes_no" else "answer is a text")
    if answer.day > today:
        raise ValueError(f"day is {answer.day}, which is still to come")
    return answer


def _read(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ValueError("it is larger than 1 MiB")
        document: object = yaml.load(content.decode(), Loader=_LOADER)  # noqa: S506 - both loaders are safe
    except OSError as error:
        raise _fault(path, f"the file cannot be read: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise _fault(path, " ".join(str(error).split())) from None
    if not isinstance(document, Mapping):
        raise _fault(path, "it is no mapping")
    return document


def _fault(path: Path, what: str) -> UsageError:
    return UsageError(
        f"the answers cannot be used: {what}",
        where=str(path),
        hint="provision evidence --questions prints a file to fill in",
    )


def render_template() -> str:
    """A file to fill in: every question as a comment over its empty entry."""
    return "\n".join(_template()) + "\n"


def _template() -> Iterator[str]:
    yield "# Answers for `provision evidence --answers FILE`. What is left empty is marked: a person must decide."
    yield '# An answer: {answer: "a text", by: "who says so", day: 2026-11-30}; where it says so, yes or no.'
    yield "format: 1"
    yield "answers:"
    for question in load_questions().values():
        kind = "yes or no" if question.kind == "yes_no" else "text"
        yield f"  # {question.question} ({kind}; {question.law})"
        yield f"  {question.id}:"
