"""Each use case at each target in figures, and whether it is what the firm accepts."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from provision.models.pilot import Accept, Target, TestSet
from provision.models.pilot_result import Answer, CaseSummary, Rule, Score, Standing


def summarise(
    tests: TestSet, targets: Sequence[Target], answers: Sequence[Answer], scores: Sequence[Score]
) -> tuple[CaseSummary, ...]:
    """In the order of the use cases, then of the targets."""
    return tuple(
        _summarise(
            case.name,
            target,
            [answer for answer in answers if (answer.case, answer.target) == (case.name, target.name)],
            {score.answer: score for score in scores},
            tests.accept,
        )
        for case in tests.cases
        for target in targets
    )


def _summarise(
    case: str, target: Target, answers: Sequence[Answer], scores: dict[str, Score], accept: Accept
) -> CaseSummary:
    answered = [answer for answer in answers if answer.fate == "answered"]
    values = [scores[answer.id].value for answer in answered if answer.id in scores]
    known = [value for value in values if value is not None]
    costs = [answer.cost for answer in answered]
    firsts = [answer.first_token_s for answer in answered if answer.first_token_s is not None]
    totals = [answer.total_s for answer in answered if answer.total_s is not None]
    quality = fmean(known) if known else None
    first, total = (median(times) if times else None for times in (firsts, totals))
    rules = judge_rules(accept, quality, first, total, open_scores=len(answered) - len(known))
    refused = sum(answer.fate == "refused" for answer in answers)
    return CaseSummary(
        case=case,
        target=target.name,
        asked=len(answers),
        answered=len(answered),
        refused=refused,
        failed=len(answers) - len(answered) - refused,
        scored=len(known),
        quality=quality,
        first_token_s=first,
        total_s=total,
        input_tokens=sum(answer.input_tokens or 0 for answer in answered),
        output_tokens=sum(answer.output_tokens or 0 for answer in answered),
        cost=sum(cost for cost in costs if cost is not None) if costs and None not in costs else None,
        currency=target.price.currency if target.price else None,
        standing=_stand(answers, answered, rules),
        rules=rules,
    )


def judge_rules(
    accept: Accept, quality: float | None, first: float | None, total: float | None, *, open_scores: int
) -> tuple[Rule, ...]:
    """The firm's thresholds against what was measured. Quality is open as long as an answer is not scored."""
    marked = quality is not None and not open_scores
    told = (
        "not scored" if quality is None else f"{quality:.2f}" + (f", {open_scores} not scored" if open_scores else "")
    )
    rules = [
        Rule(
            name="quality",
            asked=f"at least {accept.quality:g}",
            measured=told,
            held=quality >= accept.quality if quality is not None and marked else None,
        )
    ]
    for name, limit, seconds in (
        ("first token", accept.first_token_s, first),
        ("whole answer", accept.total_s, total),
    ):
        if limit is not None:
            measured = "not measured" if seconds is None else f"{seconds:.2f} s"
            held = None if seconds is None else seconds <= limit
            rules.append(Rule(name=name, asked=f"at most {limit:g} s (median)", measured=measured, held=held))
    return tuple(rules)


def _stand(answers: Sequence[Answer], answered: Sequence[Answer], rules: Sequence[Rule]) -> Standing:
    if any(answer.fate in ("failed", "left-home") for answer in answers):
        return "failed"
    if len(answered) < len(answers) or not answers:
        return "refused"
    if any(rule.held is False for rule in rules):
        return "fails"
    return "open" if any(rule.held is None for rule in rules) else "passes"
