"""What the rules ask about: facts about the firm, a class of data, a use case and a model; and how a rule fires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from provision.advise.rules import Group, Range, Rule, Rulebook, Scalar, Wanted
from provision.models.advice import Answers, DataClass, Statement, UseCase, Zone

ORDER: tuple[DataClass, ...] = get_args(DataClass)
ZONES: tuple[Zone, ...] = get_args(Zone)
Facts = Mapping[str, Scalar]


class Fired:
    """A rule that holds, and its sentence."""

    def __init__(self, rule: Rule, statement: Statement) -> None:
        self.rule, self.statement = rule, statement


def fire(book: Rulebook, group: Group, facts: Facts, about: str = "") -> list[Fired]:
    """The rules of a group that hold, in the file's order."""
    return [
        Fired(
            rule,
            Statement(
                group=group,
                rule=rule.id,
                about=about,
                text=rule.says.format_map(facts),
                source=book.cite(rule.source),
            ),
        )
        for rule in book.of(group)
        if holds(rule, facts)
    ]


def fire_one(book: Rulebook, group: Group, facts: Facts, about: str = "") -> Fired:
    """Of a group in which exactly one rule holds for any facts that can be (a test goes through them)."""
    (only,) = fire(book, group, facts, about)
    return only


def holds(rule: Rule, facts: Facts) -> bool:
    """A fact that is not there (an amount that was not answered) is never as wanted."""
    return all(name in facts and _is_as_wanted(facts[name], wanted) for name, wanted in rule.when.items())


def _is_as_wanted(fact: Scalar, wanted: Wanted) -> bool:
    if isinstance(wanted, Range):
        if not isinstance(fact, int):
            return False
        return (wanted.at_least is None or fact >= wanted.at_least) and (
            wanted.at_most is None or fact <= wanted.at_most
        )
    choices = wanted if isinstance(wanted, tuple) else (wanted,)
    return any(type(choice) is type(fact) and choice == fact for choice in choices)


def firm_facts(answers: Answers) -> dict[str, Scalar]:
    """What the answers say of the firm as a whole. An amount that was not answered is left out."""
    batch = [case.name for case in answers.use_cases if case.batch]
    amounts = {
        "cloud_dkk_per_month": answers.cloud_dkk_per_month,
        "tokens_per_month": answers.tokens_per_month,
    }
    return {
        "people": answers.people,
        "at_once": answers.at_once or answers.people,
        "operations": answers.operations,
        "site": answers.site,
        "customers_ask": answers.customers_ask,
        "on_premises_required": answers.on_premises_required,
        "pilot": answers.pilot,
        "use_cases": len(answers.use_cases),
        "spend_known": answers.cloud_dkk_per_month is not None or answers.tokens_per_month is not None,
        "batch_cases": len(batch),
        "batch_names": listed(batch),
        "eu_classes": len(answers.eu_processor),
        "eu_class_names": listed(answers.eu_processor),
    } | {name: amount for name, amount in amounts.items() if amount is not None}


def class_facts(data_class: DataClass, answers: Answers) -> dict[str, Scalar]:
    return {"data_class": data_class, "eu_processor": data_class in answers.eu_processor}


def zones_of(fired: Fired) -> tuple[str, ...]:
    """Of a rule of the group zone: where its class may be processed."""
    zones = fired.rule.then["zones"]
    return zones if isinstance(zones, tuple) else (str(zones),)


def case_facts(case: UseCase, book: Rulebook, allowed: tuple[Zone, ...]) -> dict[str, Scalar]:
    """`allowed`: the zones that every class of its data allows."""
    work = book.workloads[case.workload]
    zones = [model.zone for model in work.cloud if model.zone in allowed]
    return {
        "use_case": case.name,
        "row": f"'{work.title}' of '{book.cite(work.row).section}'",
        "strictest": strictest(case),
        "allowed": listed(allowed),
        "may_leave": allowed != ("home",),
        "has_local": bool(work.named),
        "prefers": work.prefers,
        "cloud_zone": zones[0] if zones else "none",
    }


def strictest(case: UseCase) -> DataClass:
    return max(case.data, key=ORDER.index)


def meet(zones: Iterable[Iterable[str]]) -> tuple[Zone, ...]:
    """The zones that all of them allow, home first."""
    common = set.intersection(*map(set, zones))
    return tuple(zone for zone in ZONES if zone in common)


def listed(names: Iterable[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join(", ".join(names).rsplit(", ", 1))
