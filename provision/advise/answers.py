"""The answers file → `Answers`: every fault at once, with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provision.errors import ErrorGroup, ProfileError, ProvisionError
from provision.models.advice import Answers
from provision.models.profile import Source
from provision.profile.document import Reader
from provision.profile.text import read_text, show
from provision.profile.tree import Node, find_nearest, find_value, to_plain, write_path
from provision.profile.validate import validate_tree


def read_answers(path: Path) -> Answers:
    """Raises ErrorGroup of ProfileError (exit code 3) with every fault."""
    label = show(str(path), 200)
    try:
        text = read_text(path, label)
    except ProvisionError as error:
        raise ErrorGroup([error]) from error
    return parse_answers(text, label)


def parse_answers(text: str, label: str) -> Answers:
    """`label` names the text in errors. Raises ErrorGroup of ProfileError with every fault."""
    reader = Reader("file", lambda line: f"{label}, line {line}")
    try:
        root = reader.read(text)
    except ProvisionError as error:
        raise ErrorGroup([error]) from error
    problems = list(reader.problems)
    if root is None or not isinstance(root.value, Mapping):
        what = "the file is empty" if root is None else "the file is not a list of `key: value` lines"
        hint = "docs/advise.md has a whole one; docs/advise.schema.json says what may stand there"
        raise ErrorGroup([*problems, ProfileError(what, where=label, hint=hint)])
    root = Node(Source(layer="file", place=label), root.value)
    answers = validate_tree(root, problems, Answers)
    _check(root, problems)
    if problems or answers is None:
        raise ErrorGroup(problems)
    return answers


def _check(root: Node, problems: list[ProvisionError]) -> None:
    """What no single field shows."""
    _check_names(root, problems)
    people, at_once = find_value(root, "people"), find_value(root, "at_once")
    if type(people) is int and type(at_once) is int and at_once > people > 0:
        hint = "write the number of those who would use it at the same time"
        _complain(root, ("at_once",), f"at_once is {at_once}, more than the {people} people", hint, problems)
    if find_value(root, "on_premises_required") is True and find_value(root, "site") == "rented":
        hint = "write site: on_premises, or on_premises_required: false"
        _complain(root, ("site",), "site is 'rented', while on_premises_required is true", hint, problems)
    for open_class in ("public", "internal"):
        for index, value in enumerate(_list(root, "eu_processor")):
            if value == open_class:
                what = f"eu_processor[{index}] is '{open_class}', which may go to the EU anyway"
                _complain(root, ("eu_processor", index), what, "leave it out", problems)


def _check_names(root: Node, problems: list[ProvisionError]) -> None:
    first: dict[object, int] = {}
    for index, case in enumerate(_list(root, "use_cases")):
        name = case.get("name") if isinstance(case, dict) else None
        if isinstance(name, str) and first.setdefault(name, index) != index:
            path = ("use_cases", index, "name")
            other = find_nearest(root, ("use_cases", first[name], "name")).source.place
            what = f"{write_path(path)} is '{show(name)}', which is there twice"
            _complain(root, path, what, f"give each its own name; the other is in {other}", problems)


def _list(root: Node, key: str) -> list[object]:
    value = to_plain(root).get(key)
    return value if isinstance(value, list) else []


def _complain(root: Node, path: tuple[str | int, ...], what: str, hint: str, problems: list[ProvisionError]) -> None:
    problems.append(ProfileError(what, where=find_nearest(root, path).source.place, hint=hint))
