"""A candidate against its baseline: promoted only where it is nowhere worse than the firm allows."""

from __future__ import annotations

from collections.abc import Sequence

from provision.models.pilot import TestSet
from provision.models.pilot_result import CaseSummary, Rule, Verdict

CANDIDATE, BASELINE = "candidate", "baseline"
"""Names of the two targets of an evaluation."""
_ROUNDING = 1e-9


def compare(tests: TestSet, cases: Sequence[CaseSummary], *, verified: bool) -> Verdict:
    """Promote where the stack verifies with the candidate, and in each use case it meets every threshold and is not
    worse than the baseline by more than `quality_loss`."""
    found = {(item.case, item.target): item for item in cases}
    rules = [Rule(name="verify", asked="the stack passes with the candidate", measured=_told(verified), held=verified)]
    for case in tests.cases:
        candidate, baseline = found[case.name, CANDIDATE], found[case.name, BASELINE]
        rules += [
            _standing(case.name, candidate),
            _not_worse(case.name, candidate, baseline, tests.accept.quality_loss),
        ]
    broken = [rule for rule in rules if rule.held is False]
    pending = [rule for rule in rules if rule.held is None]
    if broken:
        return Verdict(outcome="keep", says=f"keep the baseline: {_list(broken)}", rules=tuple(rules))
    if pending:
        return Verdict(outcome="open", says=f"not decided: {_list(pending)}", rules=tuple(rules))
    return Verdict(outcome="promote", says="the candidate holds every rule", rules=tuple(rules))


def _standing(case: str, candidate: CaseSummary) -> Rule:
    held = {"passes": True, "open": None}.get(candidate.standing, False)
    broken = [f"{rule.name} {rule.measured}" for rule in candidate.rules if rule.held is False]
    told = candidate.standing + (f" ({', '.join(broken)})" if broken else "")
    return Rule(name=f"{case}: thresholds", asked="the candidate passes", measured=told, held=held)


def _not_worse(case: str, candidate: CaseSummary, baseline: CaseSummary, loss: float) -> Rule:
    name, asked = f"{case}: quality", "at least the baseline's" + (f" less {loss:g}" if loss else "")
    if not baseline.answered:
        return Rule(name=name, asked=asked, measured="the baseline answered nothing", held=True)
    if not candidate.answered:
        return Rule(name=name, asked=asked, measured="the candidate answered nothing", held=False)
    if candidate.quality is None or baseline.quality is None or _has_open(candidate) or _has_open(baseline):
        return Rule(name=name, asked=asked, measured="not scored on both sides", held=None)
    held = candidate.quality >= baseline.quality - loss - _ROUNDING
    return Rule(name=name, asked=asked, measured=f"{candidate.quality:.2f} against {baseline.quality:.2f}", held=held)


def _has_open(item: CaseSummary) -> bool:
    return item.scored < item.answered


def _list(rules: Sequence[Rule]) -> str:
    return "; ".join(f"{rule.name} ({rule.measured})" for rule in rules)


def _told(verified: bool) -> str:
    return "passed" if verified else "a check failed"
