"""What is wrong with a policy whose shape is right: names that lead nowhere, doubles, promises that cannot be kept."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from decision_layer.policy.house import find_stranger
from decision_layer.policy.shape import AUTO, Model, Policy, Upstream
from decision_layer.trust import make_trust

INTERNAL = "internal"


def find_faults(policy: Policy) -> Iterator[str]:
    """Names that lead nowhere, doubles, and rules that cannot do what they promise."""
    yield from _find_doubles(policy)
    zones = {zone.name for zone in policy.zones}
    homes = {zone.name for zone in policy.zones if zone.home}
    classes = [item.name for item in policy.classes]
    models = {model.name: model for model in policy.models}
    if not homes:
        yield "zones: none is home; without one, nothing can be kept in the house"
    for item in policy.classes:
        yield from (f"classes.{item.name}.zones: there is no zone {zone}" for zone in item.zones if zone not in zones)
        takers = [m for m in policy.models if {m.zone, m.storage} <= set(item.zones)]
        if not takers:
            yield f"classes.{item.name}: no model may take it; every request of this class would be refused"
    yield from _find_widening(policy)
    for where, name in (("default_class", policy.default_class), ("opaque", policy.opaque)):
        if name not in classes:
            yield f"{where}: there is no class {name}"
    floor = classes.index(INTERNAL) if INTERNAL in classes else 1
    if policy.default_class in classes and classes.index(policy.default_class) < floor:
        yield f"default_class: {policy.default_class} is lower than {classes[floor]}; unlabelled data is not public"
    if not policy.findings:
        yield f"findings: none is named, so that each would count as {classes[-1]}"
    for kind, name in policy.findings.items():
        if name not in classes:
            yield f"findings.{kind}: there is no class {name}"
    for model in policy.models:
        for field, zone in (("zone", model.zone), ("storage", model.storage)):
            if zone is not None and zone not in zones:
                yield f"models.{model.name}.{field}: there is no zone {zone}"
        yield from (f"models.{model.name}.upstream.{fault}" for fault in _judge_url(model, homes))
        yield from (f"models.{model.name}.upstream.authority: {fault}" for fault in _judge_trust(model.upstream))
    yield from _find_faults_of_rules(policy, classes, models)
    if policy.second_stage is not None:
        yield from _find_faults_of_second_stage(policy.second_stage.model, models, homes)
    held = any(item.approval for item in policy.classes) or any(rule.approval for rule in policy.rules)
    if held and not policy.approvers:
        yield "approvers: a class or a rule needs an approval, and nobody may give one"
    for client in policy.clients:
        if client.label is not None and client.label not in classes:
            yield f"clients.{client.name}.label: there is no class {client.label}"
        yield from (f"clients.{client.name}.models: there is no model {m}" for m in client.models if m not in models)


def _judge_url(model: Model, homes: set[str]) -> Iterator[str]:
    if "@" in urlsplit(model.upstream.url).netloc:
        yield "url: it has a name or a password in it; a key is a file that `key` names"
    if model.zone not in homes and model.upstream.url.startswith("http://"):
        yield "url: outside the house only https is used"
    stranger = find_stranger(model.upstream) if model.zone in homes else ""
    if stranger:
        yield f"url: {stranger} is no address of the house, nor does the firm's own `authority` vouch for it by https"


def _judge_trust(upstream: Upstream) -> Iterator[str]:
    if upstream.authority is None:
        return
    if not upstream.url.startswith("https://"):
        yield "it vouches for nobody, since the url is not https"
    try:
        make_trust(upstream.authority)
    except ValueError as error:
        yield str(error)


def _find_faults_of_second_stage(name: str, models: dict[str, Model], homes: set[str]) -> Iterator[str]:
    model = models.get(name)
    if model is None:
        yield f"second_stage.model: there is no model {name}"
    elif model.zone not in homes or model.storage not in homes:
        yield f"second_stage.model: {name} is not at home, and what it reads is not judged yet"
    elif "chat" not in model.endpoints or model.upstream.api != "openai":
        yield f"second_stage.model: {name} must serve chat by the openai API"


def _find_widening(policy: Policy) -> Iterator[str]:
    """A higher class may not go where a lower one may not: an order that means nothing is a mistake."""
    for lower, higher in zip(policy.classes, policy.classes[1:], strict=False):
        for zone in sorted(set(higher.zones) - set(lower.zones)):
            yield f"classes.{higher.name}.zones: {zone} is not allowed for the lower class {lower.name}"


def _find_doubles(policy: Policy) -> Iterator[str]:
    for what in ("classes", "zones", "models", "rules", "clients", "budgets", "reviewers", "approvers"):
        names = [item.name for item in getattr(policy, what)]
        yield from (f"{what}: {name} is there twice" for name in sorted({n for n in names if names.count(n) > 1}))
    if any(model.name == AUTO for model in policy.models):
        yield f"models: {AUTO} is what clients ask for when the rules decide; no model can be named so"
    yield from _find_shared_keys(policy)


def _find_shared_keys(policy: Policy) -> Iterator[str]:
    """A key is of one client, one person or one provider: who is given it for one thing could do the other."""
    owners: dict[str, list[str]] = {}
    for client in policy.clients:
        owners.setdefault(client.key, []).append(f"clients.{client.name}")
    for name, key in {(person.name, person.key): None for person in (*policy.reviewers, *policy.approvers)}:
        owners.setdefault(key, []).append(f"person {name}")
    for key, model in {model.upstream.key: model for model in reversed(policy.models) if model.upstream.key}.items():
        owners.setdefault(str(key), []).append(f"models.{model.name}.upstream")
    for key, named in owners.items():
        if len(named) > 1:
            yield f"keys: {key} is the key of {' and of '.join(named)}"


def _find_faults_of_rules(policy: Policy, classes: list[str], models: dict[str, Model]) -> Iterator[str]:
    budgets = {budget.name for budget in policy.budgets}
    clients = {client.name for client in policy.clients}
    for rule in policy.rules:
        yield from (f"rules.{rule.name}.to: there is no model {name}" for name in rule.to if name not in models)
        yield from (
            f"rules.{rule.name}.when.classes: there is no class {n}" for n in rule.when.classes if n not in classes
        )
        yield from (
            f"rules.{rule.name}.when.clients: there is no client {n}" for n in rule.when.clients if n not in clients
        )
        if rule.budget is not None and rule.budget not in budgets:
            yield f"rules.{rule.name}.budget: there is no budget {rule.budget}"
    last = policy.rules[-1]
    if last.when.model_dump(exclude_defaults=True):
        yield f"rules: the last one ({last.name}) must hold for everything (no `when`), so that each request has a rule"
