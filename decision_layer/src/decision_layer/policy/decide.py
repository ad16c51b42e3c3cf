"""One decision: the data's class, the rule, and for every candidate whether it may be used. Pure: no clock, no network.

The router, `decision-layer explain`, replays and counterfactuals all call `decide`; each hop calls `refusal` again.
"""

from __future__ import annotations

import msgspec

from decision_layer.parts import Finding
from decision_layer.policy.load import LoadedPolicy
from decision_layer.policy.shape import AUTO, Model, Rule, When

CHARS_PER_TOKEN = 4
HELD = "approval:"
"""How a candidate's refusal starts that a second person may lift."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decision depends on besides the policy."""

    endpoint: str
    client: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    step: str = ""
    task: str = ""
    language: str = ""
    asked: str = AUTO
    """The model that the client named."""
    label: str | None = None
    """What the client said; None: nothing."""
    client_label: str | None = None
    conversation: str | None = None
    """The highest class that this conversation has held."""
    findings: tuple[Finding, ...] = ()
    opaque: bool = False
    doubt: str = ""
    """Why the content could not be judged (a detector failed, an unknown part): it stays at home."""
    second: str | None = None
    """The class that the second stage named."""
    chars: int = 0
    spent: tuple[str, ...] = ()
    """Budgets that are used up."""
    approved: bool = False
    may_name: tuple[str, ...] = ()
    """Models that this client may ask for by name; empty: all."""

    @property
    def tokens(self) -> int:
        return self.chars // CHARS_PER_TOKEN


class Candidate(msgspec.Struct, frozen=True):
    model: str
    zone: str
    storage: str
    refused: str = ""
    """Reason code and words; empty: it may be used."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    data_class: str
    reasons: tuple[str, ...]
    """What made the class: one line each, never a value that was found."""
    rule: str
    candidates: tuple[Candidate, ...]
    refusal: str = ""
    """Why nothing may answer; empty where a candidate may."""
    budget: str = ""

    @property
    def chain(self) -> tuple[str, ...]:
        """Models that may be used, first choice first."""
        return tuple(candidate.model for candidate in self.candidates if not candidate.refused)


def decide(loaded: LoadedPolicy, facts: Facts) -> Decision:
    data_class, reasons, unknown_label = classify(loaded, facts)
    barred = _bar_name(loaded, facts)
    if barred:
        return Decision(data_class=data_class, reasons=reasons, rule="", candidates=(), refusal=barred)
    rule = next(rule for rule in loaded.policy.rules if _holds(rule.when, facts, data_class))
    names = _candidates(facts, rule)
    stay = unknown_label or bool(facts.doubt)
    candidates = tuple(
        Candidate(
            model=model.name,
            zone=model.zone,
            storage=model.storage or "",
            refused=refusal(loaded, model, data_class, facts, stay_home=stay, budget=rule.budget) or _hold(rule, facts),
        )
        for model in (loaded.models[name] for name in names)
    )
    refused = "" if any(not item.refused for item in candidates) else _sum_up(candidates, data_class)
    return Decision(
        data_class=data_class,
        reasons=reasons,
        rule=rule.name,
        candidates=candidates,
        refusal=refused,
        budget=rule.budget or "",
    )


def classify(loaded: LoadedPolicy, facts: Facts) -> tuple[str, tuple[str, ...], bool]:
    """The class, why, and whether a label was not understood. Nothing lowers what another source has raised."""
    reasons: list[str] = []
    unknown = facts.label is not None and facts.label not in loaded.rank
    if facts.label is not None and not unknown:
        data_class, source = facts.label, f"label {facts.label}"
    elif facts.client_label is not None:
        data_class, source = facts.client_label, f"client {facts.client}: {facts.client_label}"
    else:
        data_class, source = loaded.policy.default_class, f"no label: {loaded.policy.default_class}"
    if unknown:
        data_class, source = loaded.highest, f"unknown label: {loaded.highest}"
    reasons.append(source)
    raised = [(loaded.class_of(f.kind), f"{f.count} x {f.kind}") for f in facts.findings]
    if facts.opaque:
        raised.append((loaded.policy.opaque, "content that cannot be read"))
    if facts.second is not None:
        raised.append((facts.second if facts.second in loaded.rank else loaded.highest, "second stage"))
    if facts.doubt:
        raised.append((loaded.highest, f"not judged: {facts.doubt}"))
    if facts.conversation is not None:
        held = facts.conversation if facts.conversation in loaded.rank else loaded.highest
        raised.append((held, "earlier in this conversation"))
    for name, why in raised:
        reasons.append(f"{why}: {name}")
        data_class = loaded.higher(data_class, name)
    return data_class, tuple(reasons), unknown


def refusal(
    loaded: LoadedPolicy,
    model: Model,
    data_class: str,
    facts: Facts,
    *,
    stay_home: bool = False,
    budget: str | None = None,
) -> str:
    """Why this model may not have this data; empty: it may. Called for each candidate, and again before every hop."""
    home = loaded.is_home(model)
    allowed = loaded.classes[data_class].zones
    if model.zone not in allowed:
        return f"zone: {data_class} may not be computed on in {model.zone}"
    if model.storage is None:
        return "storage: it is not known where this model's provider keeps data"
    if model.storage not in allowed:
        return f"storage: {data_class} may not be kept in {model.storage}"
    if stay_home and not home:
        return "doubt: what cannot be judged stays at home"
    if loaded.classes[data_class].approval and not home and not facts.approved:
        return f"{HELD} {data_class} leaves the house only with a second person's word"
    if facts.endpoint not in model.endpoints:
        return f"endpoint: this model does not serve {facts.endpoint}"
    if model.context is not None and facts.tokens > model.context:
        return f"size: about {facts.tokens} tokens do not fit into {model.context}"
    if budget is not None and budget in facts.spent and not home:
        return f"budget: {budget} is spent for today"
    return ""


def _hold(rule: Rule, facts: Facts) -> str:
    """Why a rule keeps even what its models may have; empty: it does not. Asked once, not before each hop."""
    waits = rule.approval and not facts.approved
    return f"{HELD} rule {rule.name} answers only with a second person's word" if waits else ""


def _bar_name(loaded: LoadedPolicy, facts: Facts) -> str:
    """Why the model that was asked for by name is none for this client; empty: it is, or `auto` was asked."""
    if facts.asked in (AUTO, ""):
        return ""
    if facts.asked not in loaded.models:
        return f"there is no model {facts.asked}"
    if facts.may_name and facts.asked not in facts.may_name:
        return f"this key may not name the model {facts.asked}"
    return ""


def _candidates(facts: Facts, rule: Rule) -> tuple[str, ...]:
    """Who names a model gets that one or a refusal that says why, never another one in its name."""
    return rule.to if facts.asked in (AUTO, "") else (facts.asked,)


def _holds(when: When, facts: Facts, data_class: str) -> bool:
    pairs = (
        (when.classes, data_class),
        (when.steps, facts.step),
        (when.tasks, facts.task),
        (when.users, facts.user),
        (when.clients, facts.client),
        (when.models, facts.asked or AUTO),
        (when.languages, facts.language.lower()),
        (when.endpoints, facts.endpoint),
    )
    if any(wanted and given not in wanted for wanted, given in pairs):
        return False
    if when.groups and not set(when.groups) & set(facts.groups):
        return False
    if when.tokens_over is not None and facts.tokens <= when.tokens_over:
        return False
    return when.tokens_up_to is None or facts.tokens <= when.tokens_up_to


def _sum_up(candidates: tuple[Candidate, ...], data_class: str) -> str:
    whys = "; ".join(f"{item.model}: {item.refused}" for item in candidates)
    return f"no model may take data of class {data_class} here ({whys})"
