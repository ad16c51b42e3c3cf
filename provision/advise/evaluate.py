"""Answers → advice: the groups of rules one after the other, each with what the ones before it made certain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.advise.choose import Choice, KnownModel, LookUp, Place, ProfileFacts, choose
from provision.advise.facts import (
    ORDER,
    Fired,
    case_facts,
    class_facts,
    fire,
    fire_one,
    firm_facts,
    listed,
    meet,
    strictest,
    zones_of,
)
from provision.advise.rules import Rulebook, Scalar
from provision.models.advice import Advice, Answers, DataClass, LocalModel, Placement, UseCase, Zone

Facts = dict[str, Scalar]


class Case:
    """A use case while it is judged."""

    def __init__(self, asked: UseCase, allowed: tuple[Zone, ...], facts: Facts) -> None:
        self.asked, self.allowed, self.facts = asked, allowed, facts
        self.fired: Fired | None = None

    @property
    def place(self) -> str:
        assert self.fired is not None  # noqa: S101 - _settle has been here
        return _place_of(self.fired, self.facts)


def advise(answers: Answers, book: Rulebook, profiles: Sequence[ProfileFacts], place: Place, look_up: LookUp) -> Advice:
    """The recommendation. `place` is the planner's word on models on a profile's cards, `look_up` the catalogue's.

    Pure but for those two. Never raises for answers that `provision.advise.answers` let through.
    """
    firm = firm_facts(answers)
    zones = {one: fire_one(book, "zone", class_facts(one, answers), about=one) for one in _classes(answers)}
    cases = [_open_case(case, book, zones) for case in answers.use_cases]
    firm |= _count(cases, book)
    triggers = fire(book, "trigger", firm)
    numbers = tuple(sorted({int(str(one.rule.then["trigger"])) for one in triggers}))
    firm |= {"triggers": len(numbers)}
    firm |= {"saving_without_operations": numbers == (2,) and answers.operations == "none"}
    outcome = fire_one(book, "outcome", firm)
    firm |= {"outcome": str(outcome.rule.then["outcome"])}
    _settle(cases, book, firm["outcome"])
    site = fire_one(book, "site", firm)
    kind, at_once = str(site.rule.then["kind"]), int(firm["at_once"])
    at_home = [case.asked for case in cases if case.place == "home"]
    choice = choose(at_home, book, profiles, kind, at_once, place, look_up) if at_home else None
    firm |= _choice_facts(choice) | _rest(cases)
    pattern, pilot = fire_one(book, "pattern", firm), fire_one(book, "pilot", firm)
    profile = fire(book, "profile", firm)
    spoken = [
        outcome, *triggers, *zones.values(), *(case.fired for case in cases if case.fired), site, *profile,
        *(_speak_of_models(choice, book, answers) if choice else ()), pattern, pilot, *fire(book, "duty", firm),
    ]  # fmt: skip
    return Advice(
        outcome=outcome.rule.then["outcome"],
        centre=outcome.rule.then["centre"],
        triggers=numbers,
        profile=choice.profile.name if choice else None,
        profile_serves_all=choice.serves_all if choice else True,
        pattern=pattern.rule.then["pattern"],
        pilot_first=pilot.rule.then["pilot_first"],
        placements=tuple(_placement(case, zones, choice, book) for case in cases),
        models=choice.models if choice else (),
        statements=tuple(one.statement for one in spoken),
        decisions=tuple(one.statement for one in fire(book, "decision", firm)),
    )


def _classes(answers: Answers) -> list[DataClass]:
    held = {one for case in answers.use_cases for one in case.data}
    return [one for one in ORDER if one in held]


def _open_case(case: UseCase, book: Rulebook, zones: dict[DataClass, Fired]) -> Case:
    allowed = meet(zones_of(zones[one]) for one in case.data)
    return Case(case, allowed, case_facts(case, book, allowed))


def _count(cases: Sequence[Case], book: Rulebook) -> Facts:
    """How many use cases a hybrid stack would have on either side; what may not leave the house."""
    _settle(cases, book, "hybrid")
    confined = [case.asked.name for case in cases if not case.facts["may_leave"]]
    return {
        "confined": len(confined),
        "confined_names": listed(confined),
        "home_cases": sum(case.place == "home" for case in cases),
        "cloud_cases": sum(case.place.endswith("-cloud") for case in cases),
    }


def _settle(cases: Sequence[Case], book: Rulebook, outcome: Scalar) -> None:
    for case in cases:
        facts = case.facts | {"outcome": outcome}
        case.fired = fire_one(book, "place", facts, about=case.asked.name)


def _place_of(fired: Fired, facts: Facts) -> str:
    place = str(fired.rule.then["place"])
    return str(facts["cloud_zone"]) if place == "cloud_zone" else place


def _choice_facts(choice: Choice | None) -> Facts:
    if choice is None:
        return {"profile_found": False, "local_models": 0, "chinese_models": 0, "llama_models": 0}
    makers = {known.model: known.maker for known in choice.by_case.values()}
    chinese = [name for name, maker in makers.items() if maker in ("qwen", "deepseek")]
    return {
        "profile_found": True,
        "profile": choice.profile.name,
        "profile_users": choice.profile.users,
        "profile_serves_all": choice.serves_all,
        "local_models": len(choice.models),
        "chinese_models": len(chinese),
        "chinese_names": listed(chinese),
        "llama_models": sum(maker == "llama" for maker in makers.values()),
    }


def _rest(cases: Sequence[Case]) -> Facts:
    nowhere = [case.asked.name for case in cases if case.place == "nowhere"]
    return {
        "cloud_placed": sum(case.place.endswith("-cloud") for case in cases),
        "without_place": len(nowhere),
        "without_place_names": listed(nowhere),
    }


def _speak_of_models(choice: Choice, book: Rulebook, answers: Answers) -> Iterator[Fired]:
    named = {case.name: {one.name for one in book.workloads[case.workload].named} for case in answers.use_cases}
    for model in choice.models:
        users = {case: choice.by_case[case] for case in model.use_cases}
        unnamed = [case for case, known in users.items() if known.said not in named[case]]
        cited = [book.cite(known.source) for known in users.values()]
        facts = _model_facts(model, choice) | _known_facts(next(iter(users.values())))
        facts |= {
            "named_for_work": not unnamed,
            "unnamed_use_cases": listed(unnamed),
            "named_in": "; ".join(dict.fromkeys(f"{one.title}, {one.section}" for one in cited)),
        }
        yield from fire(book, "model", facts, about=model.model)
    for rejected in choice.rejected:
        facts = _known_facts(rejected.known) | {
            "verdict": rejected.verdict,
            "reason": rejected.reason,
            "model_use_cases": listed(rejected.use_cases),
            "profile": choice.profile.name,
        }
        yield from fire(book, "model", facts, about=rejected.known.model)


def _model_facts(model: LocalModel, choice: Choice) -> Facts:
    bound = model.decode_bound_tok_s
    return {
        "verdict": "chosen",
        "model": model.model,
        "quant": model.quant,
        "model_use_cases": listed(model.use_cases),
        "profile": choice.profile.name,
        "on_cards_mib": model.on_cards_mib,
        "usable_mib": model.usable_mib,
        "parallel": model.parallel,
        "context_each": model.context_tokens // model.parallel,
        "bound": "not known" if bound is None else f"{bound:.0f}",
    }


def _known_facts(known: KnownModel) -> Facts:
    explanation = known.explanation or ""
    return {
        "said": known.said,
        "model": known.model,
        "explained": bool(explanation),
        "explanation": explanation,
    }


def _placement(case: Case, zones: dict[DataClass, Fired], choice: Choice | None, book: Rulebook) -> Placement:
    assert case.fired is not None  # noqa: S101 - _settle has been here
    work = book.workloads[case.asked.workload]
    chosen = choice.by_case.get(case.asked.name) if choice and case.place == "home" else None
    return Placement(
        use_case=case.asked.name,
        workload=case.asked.workload,
        data=case.asked.data,
        strictest=strictest(case.asked),
        allowed=case.allowed,
        place=case.place,
        cloud_models=tuple(model.name for model in work.cloud if model.zone in case.allowed)
        if case.place.endswith("-cloud")
        else (),
        local_model=chosen.model if chosen else None,
        rules=(*(zones[one].rule.id for one in case.asked.data), case.fired.rule.id),
    )
