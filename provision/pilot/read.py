"""The two files of a pilot: the test set and the targets. Every fault of both comes at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel

from provision.errors import ErrorGroup, ProfileError, ProvisionError
from provision.models.pilot import Target, Targets, TestSet
from provision.profile.document import Reader
from provision.profile.text import read_text
from provision.profile.tree import Node, find_nearest
from provision.profile.validate import validate_tree

Problems = list[ProvisionError]


def read_pilot(tests: Path, targets: Path | None) -> tuple[TestSet, tuple[Target, ...]]:
    """Both files, checked together. Raises ErrorGroup of ProfileError (exit 3) with every fault of both."""
    problems: Problems = []
    test_set = _read(tests, TestSet, problems, check_tests)
    named = None if targets is None else _read(targets, Targets, problems, check_targets)
    if test_set and not problems:
        check_judge(test_set, str(tests), named.targets if named else (), problems)
    if problems or test_set is None:
        raise ErrorGroup(problems)
    return test_set, named.targets if named else ()


def check_tests(tests: TestSet, root: Node, problems: Problems) -> None:
    """What the schema cannot say: names once only, and each way of scoring has what it needs."""
    _once((case.name for case in tests.cases), "cases", root, problems)
    for number, case in enumerate(tests.cases):
        for position, question in enumerate(case.questions):
            where = find_nearest(root, ("cases", number, "questions", position)).source.place
            if case.scoring == "exact" and not question.expected:
                what = f"question {position + 1} of '{case.name}' is scored exact and has no expected answer"
                problems.append(ProfileError(what, where=where, hint="add `expected: [...]`, or score by human"))
            if case.scoring == "rubric" and not question.rubric:
                what = f"question {position + 1} of '{case.name}' is scored by a rubric and has none"
                problems.append(ProfileError(what, where=where, hint="add `rubric:` with what a good answer has"))
    if tests.judge is None and any(case.scoring == "rubric" for case in tests.cases):
        hint = "add `judge:` with the name of a target, one that is not itself compared"
        problems.append(ProfileError("a use case is scored by a rubric and nobody judges", where=_top(root), hint=hint))


def check_targets(named: Targets, root: Node, problems: Problems) -> None:
    _once((target.name for target in named.targets), "targets", root, problems)
    for number, target in enumerate(named.targets):
        where = find_nearest(root, ("targets", number)).source.place
        if target.key_env and target.key_file:
            problems.append(
                ProfileError(
                    f"'{target.name}' has two keys", where=where, hint="keep one of `key_env:` and `key_file:`"
                )
            )
        if target.zone == "cloud" and not target.gateway and target.base_url.startswith("http://"):
            problems.append(
                ProfileError(
                    f"'{target.name}' is in a cloud and not asked by https", where=where, hint="write https://"
                )
            )


def check_judge(tests: TestSet, where: str, targets: Sequence[Target], problems: Problems) -> None:
    if tests.judge and tests.judge not in {target.name for target in targets}:
        known = ", ".join(target.name for target in targets) or "none; add --targets FILE"
        problems.append(ProfileError(f"the judge '{tests.judge}' is no target", where=where, hint=f"known: {known}"))


def _read[T: BaseModel](
    path: Path, kind: type[T], problems: Problems, check: Callable[[T, Node, Problems], None]
) -> T | None:
    label = str(path)
    reader = Reader("file", lambda line: f"{label}, line {line}")
    try:
        root = reader.read(read_text(path, label))
    except ProvisionError as error:
        problems.append(error)
        return None
    problems.extend(reader.problems)
    if root is None:
        problems.append(
            ProfileError("the file is empty", where=label, hint="docs/pilot.md has an example of each file")
        )
        return None
    found = validate_tree(root, problems, kind)
    if found is not None:
        check(found, root, problems)
    return found


def _once(names: Iterable[str], key: str, root: Node, problems: Problems) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            where = find_nearest(root, (key,)).source.place
            problems.append(
                ProfileError(f"'{name}' is there {count} times", where=where, hint="give each its own name")
            )


def _top(root: Node) -> str:
    return root.source.place
