"""The rules and the kinds of work, read from `data/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from provision.errors import SetupError
from provision.models.advice import Cited, RuleLine, Zone
from provision.models.base import Frozen

_DATA = Path(__file__).parent / "data"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Group = Literal[
    "zone", "trigger", "outcome", "place", "site", "profile", "model", "pattern", "pilot", "duty", "decision"
]
Scalar = bool | int | str


class Range(Frozen):
    at_least: int | None = None
    at_most: int | None = None


Wanted = Range | tuple[Scalar, ...] | Scalar


class Reference(Frozen):
    """A source of sources.yml and one of its sections."""

    source: str = Field(alias="in")
    section: str


class Rule(Frozen):
    """Fires where every fact of `when` is as wanted; then says its sentence, and `then` follows."""

    id: str
    group: Group
    when: dict[str, Wanted] = Field(default_factory=dict)
    then: dict[str, Scalar | tuple[str, ...]] = Field(default_factory=dict)
    says: str
    source: Reference


class CloudModel(Frozen):
    name: str
    zone: Zone


class NamedModel(Frozen):
    """A model for own machines, by the source's name for it."""

    name: str
    source: Reference


class Workload(Frozen):
    """A kind of work: the line of a source that speaks of it, and the models named there."""

    title: str
    row: Reference
    prefers: Literal["home", "cloud"]
    local: tuple[str, ...]
    also: tuple[NamedModel, ...] = ()
    cloud: tuple[CloudModel, ...]

    @property
    def named(self) -> tuple[NamedModel, ...]:
        """All models for own machines, first choice first."""
        return (*(NamedModel(name=name, source=self.row) for name in self.local), *self.also)


class Document(Frozen):
    """A source of the rules."""

    title: str
    where: str
    date: str
    sections: tuple[str, ...]


class Rulebook(Frozen):
    rules: tuple[Rule, ...]
    workloads: dict[str, Workload]
    defaults: tuple[NamedModel, ...]
    documents: dict[str, Document]

    def cite(self, reference: Reference) -> Cited:
        return Cited(title=self.documents[reference.source].title, section=reference.section)

    def of(self, group: Group) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.group == group)


@cache
def load_rulebook(data: Path = _DATA) -> Rulebook:
    """Everything in `data`, read once per process. Raises SetupError where a file is not in order."""
    rules = [{"id": name} | entry for name, entry in _read(data / "rules.yml", dict).items()]
    return Rulebook(
        rules=_check(tuple[Rule, ...], rules, data / "rules.yml"),
        workloads=_check(dict[str, Workload], _read(data / "workloads.yml", dict), data / "workloads.yml"),
        defaults=_check(tuple[NamedModel, ...], _read(data / "defaults.yml", list), data / "defaults.yml"),
        documents=_check(dict[str, Document], _read(data / "sources.yml", dict), data / "sources.yml"),
    )


def read_policy_parts() -> dict[str, Any]:
    """What a draft of a policy takes over as it is. Raises SetupError where the file is not in order."""
    parts: dict[str, Any] = _read(_DATA / "policy.yml", dict)
    return parts


def describe_rules(book: Rulebook) -> tuple[RuleLine, ...]:
    """Every rule as a line for people, in the order in which they are asked."""
    return tuple(
        RuleLine(
            id=rule.id,
            group=rule.group,
            when=", ".join(f"{fact} {_word(wanted)}" for fact, wanted in rule.when.items()) or "always",
            then=", ".join(f"{key} {_word(value)}" for key, value in rule.then.items()),
            says=rule.says,
            source=book.cite(rule.source),
        )
        for rule in book.rules
    )


def _word(wanted: Wanted) -> str:
    if isinstance(wanted, Range):
        ends = (("at least", wanted.at_least), ("at most", wanted.at_most))
        return " and ".join(f"{word} {value}" for word, value in ends if value is not None)
    if isinstance(wanted, tuple):
        return " or ".join(map(str, wanted))
    return {True: "yes", False: "no"}[wanted] if isinstance(wanted, bool) else str(wanted)


def _read(path: Path, kind: type[Any]) -> Any:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - both loaders are safe
    except (OSError, yaml.YAMLError) as error:
        raise _complain(path, str(error).splitlines()[0]) from error
    if not isinstance(content, kind):
        raise _complain(path, f"it is not a {kind.__name__}")
    return content


def _check[T](kind: type[T], content: object, path: Path) -> T:
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _complain(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _complain(path: Path, what: str) -> SetupError:
    return SetupError(
        f"the rules cannot be read: {what}", where=str(path), hint="the checkout is damaged: fetch it again"
    )
