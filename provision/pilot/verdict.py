"""What the pilot says: which use cases a model at home carries, which need a cloud, which nobody carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from provision.models.pilot import Target, TestSet
from provision.models.pilot_result import Answer, CaseSummary, Rule, Standing, Verdict

Zone = Literal["home", "cloud"]
_BEST: tuple[Standing, ...] = ("passes", "open", "fails", "failed", "refused")
"""A zone stands as its best target does."""


def decide(
    tests: TestSet, targets: Sequence[Target], answers: Sequence[Answer], cases: Sequence[CaseSummary]
) -> Verdict:
    """By the first rule that holds: a leak; something open; a gap (a use case that no target carries); all at home;
    some at home and the others in a cloud; all in a cloud."""
    zones = {target.name: target.zone for target in targets}
    leaks = [answer for answer in answers if answer.fate == "left-home"]
    standing = {
        case.name: {zone: _stand(case.name, zone, zones, cases) for zone in ("home", "cloud")} for case in tests.cases
    }
    rules = tuple(_rule(name, found) for name, found in standing.items())
    if leaks:
        names = ", ".join(sorted({answer.id for answer in leaks}))
        return Verdict(
            outcome="leak", says=f"data left that must not ({names}): stop, and mend the policy", rules=rules
        )
    home = [name for name, found in standing.items() if found["home"] == "passes"]
    cloud = [name for name, found in standing.items() if found["cloud"] == "passes" and name not in home]
    pending = [name for name, found in standing.items() if name not in home and "open" in found.values()]
    if pending:
        says = f"not decided: {', '.join(pending)} still to be scored"
        return Verdict(outcome="open", says=says, rules=rules)
    rest = [name for name in standing if name not in (*home, *cloud)]
    return Verdict(outcome=_outcome(home, cloud, rest), says=_say(home, cloud, rest), rules=rules)


def _stand(case: str, zone: str, zones: dict[str, Zone], cases: Sequence[CaseSummary]) -> str:
    found = {item.standing for item in cases if item.case == case and zones[item.target] == zone}
    return next((standing for standing in _BEST if standing in found), "not tried")


def _rule(case: str, found: dict[str, str]) -> Rule:
    held = "passes" in found.values()
    pending = not held and "open" in found.values()
    return Rule(
        name=case,
        asked="one target meets every threshold",
        measured=f"at home: {found['home']}; in a cloud: {found['cloud']}",
        held=None if pending else held,
    )


def _outcome(
    home: Sequence[str], cloud: Sequence[str], rest: Sequence[str]
) -> Literal["home", "hybrid", "cloud", "gaps"]:
    if rest:
        return "gaps"
    if home:
        return "hybrid" if cloud else "home"
    return "cloud"


def _say(home: Sequence[str], cloud: Sequence[str], rest: Sequence[str]) -> str:
    parts = [
        f"{text}: {', '.join(names)}"
        for text, names in (
            ("a model at home carries", home),
            ("only a cloud carries", cloud),
            ("no target carries", rest),
        )
        if names
    ]
    return "; ".join(parts)
