"""Which profile and which models: the sources' first choices, as far as the planner places them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Literal

from provision.advise.rules import NamedModel, Reference, Rulebook
from provision.models.advice import LocalModel, UseCase
from provision.models.base import Frozen

MOST_TOGETHER = 3
"""Models on one profile's cards; more make the search long, and no built-in profile holds them."""


class KnownModel(Frozen):
    """A model's name in a source, looked up in the catalogue."""

    said: str
    model: str
    source: Reference
    explanation: str | None = None
    """Why the name is wrong or means more than one model."""
    warning: str | None = None
    """What of its licence may forbid the use."""
    maker: str = ""


class ProfileFacts(Frozen):
    """A built-in profile, as far as the choice asks about it."""

    name: str
    kind: Literal["proxmox", "host"]
    users: int
    usable_mib: int
    """Of all its cards; 0 without any."""


class Fitted(Frozen):
    """The planner's word on models together: placed (`models`), or why not (`reason`)."""

    models: tuple[LocalModel, ...] = ()
    reason: str = ""


Place = Callable[[str, tuple[str, ...]], Fitted]
"""The profile's name and the models' ids → the planner's word."""
LookUp = Callable[[NamedModel], KnownModel]


class Rejected(Frozen):
    """A model that is named before the chosen one, and why it is not it."""

    known: KnownModel
    verdict: Literal["too_large", "not_together", "licence"]
    reason: str = ""
    use_cases: tuple[str, ...]


class Choice(Frozen):
    profile: ProfileFacts
    serves_all: bool
    models: tuple[LocalModel, ...]
    by_case: dict[str, KnownModel]
    """The chosen model of each use case that has one."""
    rejected: tuple[Rejected, ...]


def choose(
    cases: Sequence[UseCase],
    book: Rulebook,
    profiles: Sequence[ProfileFacts],
    kind: str,
    at_once: int,
    place: Place,
    look_up: LookUp,
) -> Choice | None:
    """The profile for which the fewest use cases lack a model; then with the sources' first choices; then the smallest.

    None where there is no use case for own machines, or no profile with a model for one.
    """
    wanted = {case.name: _candidates(case, book, look_up) for case in cases}
    able = [profile for profile in profiles if profile.usable_mib and kind in ("any", profile.kind)]
    serving = [profile for profile in able if profile.users >= at_once]
    most = max((profile.users for profile in able), default=0)
    found: list[tuple[tuple[int, int, int, bool], Choice]] = []
    for profile in serving or [profile for profile in able if profile.users == most]:
        choice = _choose_models(profile, bool(serving), wanted, place)
        if choice is not None:
            missing, rank = len(wanted) - len(choice.by_case), _rank(wanted, choice)
            found.append(((missing, rank, profile.usable_mib // 1024, profile.kind != "proxmox"), choice))
    return min(found, key=lambda item: item[0])[1] if found else None


def _candidates(case: UseCase, book: Rulebook, look_up: LookUp) -> tuple[KnownModel, ...]:
    known = [look_up(named) for named in (*book.workloads[case.workload].named, *book.defaults)]
    return tuple({one.model: one for one in reversed(known)}[name] for name in dict.fromkeys(k.model for k in known))


def _choose_models(
    profile: ProfileFacts, serves_all: bool, wanted: dict[str, tuple[KnownModel, ...]], place: Place
) -> Choice | None:
    every = list({known.model: known for names in wanted.values() for known in names}.values())
    alone = {known.model: place(profile.name, (known.model,)) for known in every if known.warning is None}
    fitting = [name for name, fitted in alone.items() if fitted.models]
    for together in _orders(fitting, wanted):
        fitted = place(profile.name, together)
        if fitted.models:
            break
    else:
        return None
    by_case = {
        case: next(known for known in names if known.model in together)
        for case, names in wanted.items()
        if any(known.model in together for known in names)
    }
    users = {
        name: tuple(case for case, known in by_case.items() if known.model == name)
        for name in together
    }  # fmt: skip
    return Choice(
        profile=profile,
        serves_all=serves_all,
        models=tuple(model.model_copy(update={"use_cases": users[model.model]}) for model in fitted.models),
        by_case=by_case,
        rejected=tuple(_reject(wanted, by_case, alone)),
    )


def _orders(fitting: Sequence[str], wanted: dict[str, tuple[KnownModel, ...]]) -> Iterator[tuple[str, ...]]:
    """Sets of models to try, the best first: all use cases served, first choices, few models."""
    sets = [one for size in range(1, MOST_TOGETHER + 1) for one in combinations(fitting, size)]

    def judge(one: tuple[str, ...]) -> tuple[int, int, int]:
        ranks = [_rank_in(names, one) for names in wanted.values()]
        return sum(rank is None for rank in ranks), sum(rank or 0 for rank in ranks), len(one)

    yield from sorted(sets, key=judge)


def _rank_in(names: Sequence[KnownModel], models: Sequence[str]) -> int | None:
    return next((rank for rank, known in enumerate(names) if known.model in models), None)


def _rank(wanted: dict[str, tuple[KnownModel, ...]], choice: Choice) -> int:
    return sum(_rank_in(wanted[case], (known.model,)) or 0 for case, known in choice.by_case.items())


def _reject(
    wanted: dict[str, tuple[KnownModel, ...]], by_case: dict[str, KnownModel], alone: dict[str, Fitted]
) -> Iterator[Rejected]:
    """Every model named before the chosen one, once, with the use cases that it is named for."""
    passed: dict[str, tuple[KnownModel, list[str]]] = {}
    for case, names in wanted.items():
        for known in names:
            if case in by_case and known.model == by_case[case].model:
                break
            passed.setdefault(known.model, (known, []))[1].append(case)
    for known, cases in passed.values():
        if known.warning is not None:
            yield Rejected(known=known, verdict="licence", reason=known.warning, use_cases=tuple(cases))
        elif alone[known.model].models:
            yield Rejected(known=known, verdict="not_together", use_cases=tuple(cases))
        else:
            yield Rejected(
                known=known, verdict="too_large", reason=alone[known.model].reason, use_cases=tuple(cases)
            )  # fmt: skip
