"""A decision in words, as `decision-layer explain`, the challenge page and the reviewer read it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from decision_layer.policy.decide import Decision, Facts, decide
from decision_layer.policy.load import LoadedPolicy
from decision_layer.policy.shape import AUTO


class Counterfactual(msgspec.Struct, frozen=True):
    """One change of the facts, and what would have been decided then."""

    change: str
    data_class: str
    rule: str
    model: str
    """The first choice; empty: refused."""


def tell(loaded: LoadedPolicy, facts: Facts, decision: Decision) -> Iterator[str]:
    """Lines for people."""
    yield f"class      {decision.data_class} ({loaded.classes[decision.data_class].title})"
    yield from (f"           {reason}" for reason in decision.reasons)
    rule = next((rule for rule in loaded.policy.rules if rule.name == decision.rule), None)
    if rule is not None:
        yield f"rule       {rule.name}: {rule.title}"
    for candidate in decision.candidates:
        place = (
            candidate.zone if candidate.zone == candidate.storage else f"{candidate.zone}, kept in {candidate.storage}"
        )
        verdict = candidate.refused and f"refused, {candidate.refused}"
        yield f"candidate  {candidate.model} ({place}): {verdict or 'may answer'}"
    yield f"outcome    {decision.refusal or 'goes to ' + decision.chain[0]}"
    for other in counterfactuals(loaded, facts, decision):
        yield f"otherwise  {describe(other)}"


def counterfactuals(loaded: LoadedPolicy, facts: Facts, decision: Decision) -> tuple[Counterfactual, ...]:
    """Every single change that would have led elsewhere; where none would have led to a lower class, the fewest
    together that would.

    Art. 22 GDPR and C-203/22: how a variation of the data would have changed the outcome.
    """

    def is_lower(other: Counterfactual) -> bool:
        return loaded.rank[other.data_class] < loaded.rank[decision.data_class]

    singly = tuple(_that_differ(loaded, decision, _variations(loaded, facts)))
    if any(map(is_lower, singly)):
        return singly
    return (*singly, *islice(filter(is_lower, _that_differ(loaded, decision, _together(loaded, facts))), 1))


def _that_differ(
    loaded: LoadedPolicy, decision: Decision, variations: Iterator[tuple[str, Facts]]
) -> Iterator[Counterfactual]:
    for change, other in variations:
        seen = decide(loaded, other)
        if (seen.data_class, seen.chain[:1]) != (decision.data_class, decision.chain[:1]):
            model = seen.chain[0] if seen.chain else ""
            yield Counterfactual(change=change, data_class=seen.data_class, rule=seen.rule, model=model)


def describe(other: Counterfactual) -> str:
    outcome = f"it would have gone to {other.model}" if other.model else "it would have been refused"
    return f"{other.change}, it would have been {other.data_class} and {outcome}" + (
        f" by rule {other.rule}" if other.rule else ""
    )


def _variations(loaded: LoadedPolicy, facts: Facts) -> Iterator[tuple[str, Facts]]:
    change = msgspec.structs.replace
    for index, finding in enumerate(facts.findings):
        rest = (*facts.findings[:index], *facts.findings[index + 1 :])
        yield f"had the text not held {finding.kind}", change(facts, findings=rest)
    if len(facts.findings) > 1:
        yield "had nothing been found in the text", change(facts, findings=())
    if facts.opaque:
        yield "had all its content been readable", change(facts, opaque=False)
    if facts.second is not None:
        yield f"had the second stage not said {facts.second}", change(facts, second=None)
    if facts.doubt:
        yield "had it been judged", change(facts, doubt="")
    if facts.conversation is not None:
        yield "had the conversation not held more before", change(facts, conversation=None)
    for budget in facts.spent:
        yield f"had budget {budget} not been spent", change(facts, spent=tuple(b for b in facts.spent if b != budget))
    if facts.asked not in (AUTO, ""):
        yield f"had {AUTO} been asked for", change(facts, asked=AUTO)
    if facts.chars:
        yield "had the text been short", change(facts, chars=0)
    no = "no" if facts.approved else "a"
    yield f"had {no} second person approved it", change(facts, approved=not facts.approved)
    for item in loaded.policy.classes:
        if item.name != facts.label:
            yield f"had it been labelled {item.name}", change(facts, label=item.name)
    for rule in loaded.policy.rules:
        yield from ((f"had the task been {t}", change(facts, task=t)) for t in rule.when.tasks if t != facts.task)


def _together(loaded: LoadedPolicy, facts: Facts) -> Iterator[tuple[str, Facts]]:
    """Reasons that name the same class hide each other: first the content's go, then the conversation's, then all."""
    change = msgspec.structs.replace
    bare = change(facts, findings=(), opaque=False, doubt="", second=None)
    yield "had the content given no reason", bare
    if facts.conversation is not None:
        bare = change(bare, conversation=None)
        yield "had neither content nor conversation given a reason", bare
    for item in loaded.policy.classes:
        label = f"had it been labelled {item.name} and"
        yield f"{label} neither content nor conversation given a reason", change(bare, label=item.name)
