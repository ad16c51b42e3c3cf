"""Is what a profile says of models outside the house of one piece?

What the policy's own check would say is said here, in the profile's words, before anything is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from provision.models.plan import EngineInstance
from provision.models.profile import Machine, Profile
from provision.planner.problems import Problems

DECISION_SERVICE = "decision_layer"
RESERVED = frozenset({"self-hosted", "auto"})
"""The zone of the firm's own machines, and what clients ask for when the rules decide."""
CLASSES = ("public", "internal", "confidential", "personal", "art9", "secrecy")
"""Lowest first."""
_AT = "routing"


def check_routing(profile: Profile, homes: Mapping[str, Machine], problems: Problems) -> None:
    """Names that lead nowhere or are there twice, and a class that may go further than a lower one."""
    wanted = profile.routing
    if wanted.models and DECISION_SERVICE not in homes:
        hint = f"place {DECISION_SERVICE} on a machine, or take routing.models away"
        problems.add("models outside are named, and nothing asks them", at=f"{_AT}.models", hint=hint)
    if wanted.audit != "sqlite" and DECISION_SERVICE not in homes:
        hint = f"place {DECISION_SERVICE} on a machine, or take routing.audit away"
        problems.add("a place for the record is named, and nothing writes one", at=f"{_AT}.audit", hint=hint)
    own = [model.name for model in profile.workload.models]
    listed: tuple[tuple[str, list[str]], ...] = (
        ("zones", [zone.name for zone in wanted.zones]),
        ("models", [*own, *(model.name for model in wanted.models)]),
        ("classes", [item.name for item in wanted.classes]),
        ("rules", [*(rule.name for rule in wanted.rules), "otherwise"]),
        ("budgets", [budget.name for budget in wanted.budgets]),
        ("reviewers", list(wanted.reviewers)),
        ("approvers", list(wanted.approvers)),
    )
    for what, names in listed:
        for name in sorted({name for name in names if names.count(name) > 1 or name in RESERVED}):
            hint = "choose another name: this one is taken"
            problems.add(f"'{name}' is there twice, or has a meaning of its own", at=f"{_AT}.{what}", hint=hint)
    if wanted.policy:
        _check_firm_policy(profile, problems)
    for what, name, at, known in () if wanted.policy else _references(profile, own):
        if name not in known:
            hint = f"known: {', '.join(sorted(known)) or 'none'}"
            problems.add(f"there is no {what} '{name}'", at=f"{_AT}.{at}", hint=hint)
    if not wanted.approvers and (held := next((item.name for item in wanted.classes if item.approval), "")):
        hint = "name who may, or take `approval` away"
        problems.add(f"{held} needs an approval, and nobody may give one", at=f"{_AT}.approvers", hint=hint)
    _check_order(profile, problems)
    _check_addresses(profile, problems)


_SAID_BY_POLICY = ("default_class", "zones", "classes", "rules", "budgets", "second_stage")


def check_second_stage(profile: Profile, engines: Sequence[EngineInstance], problems: Problems) -> None:
    """What it reads is not judged yet, so only a model at home may; and it must write an answer."""
    stage = profile.routing.second_stage
    readers = sorted({engine.served_name for engine in engines if not engine.embeddings})
    if stage and stage.model not in readers:
        hint = f"name one of the firm's own that write text: {', '.join(readers) or 'none'}"
        problems.add(f"'{stage.model}' cannot read what would leave", at=f"{_AT}.second_stage.model", hint=hint)


def _check_firm_policy(profile: Profile, problems: Problems) -> None:
    """One place says what may go where. The names in that file are judged when it is read."""
    wanted = profile.routing
    for name in _SAID_BY_POLICY:
        if getattr(wanted, name) != type(wanted).model_fields[name].default:
            hint = "take it out here, or take routing.policy out"
            problems.add(f"routing.policy says the {name}, and so does the profile", at=f"{_AT}.{name}", hint=hint)


def _references(profile: Profile, own: list[str]) -> Iterator[tuple[str, str, str, set[str]]]:
    wanted = profile.routing
    zones = {zone.name for zone in wanted.zones}
    models = {*own, *(model.name for model in wanted.models)}
    for index, model in enumerate(wanted.models):
        for zone in {model.zone, model.storage or model.zone}:
            yield "zone", zone, f"models.{index}", zones
    for index, item in enumerate(wanted.classes):
        yield from (("zone", zone, f"classes.{index}", zones) for zone in item.zones)
    for index, rule in enumerate(wanted.rules):
        yield from (("model", name, f"rules.{index}.to", models) for name in rule.to)
        yield from (("class", name, f"rules.{index}.when", set(CLASSES)) for name in rule.when.classes)
        if rule.budget:
            yield "budget", rule.budget, f"rules.{index}", {budget.name for budget in wanted.budgets}


def _check_order(profile: Profile, problems: Problems) -> None:
    """An order of classes that means nothing is a mistake."""
    zones: dict[str, set[str]] = {item.name: set(item.zones) for item in profile.routing.classes}
    for lower, higher in pairwise(CLASSES):
        for zone in sorted(zones.get(higher, set()) - zones.get(lower, set())):
            problems.add(
                f"{higher} may go to {zone}, and the lower class {lower} may not",
                at=f"{_AT}.classes",
                hint=f"give {lower} the zone {zone} too, or take it from {higher}",
            )


def _check_addresses(profile: Profile, problems: Problems) -> None:
    """One host has one set of addresses, whichever model names it."""
    seen: dict[str, object] = {}
    for index, model in enumerate(profile.routing.models):
        host = urlsplit(model.url).netloc
        if seen.setdefault(host, model.addresses) != model.addresses:
            hint = "write the same addresses for each of its models"
            problems.add(f"{host} has other addresses here", at=f"{_AT}.models.{index}.addresses", hint=hint)
