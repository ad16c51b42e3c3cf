"""Read a policy file: every fault of it at once, or the policy with its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import orjson
import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from decision_layer.errors import DecisionLayerError
from decision_layer.policy.shape import DataClass, Model, Policy, Upstream, Zone
from decision_layer.trust import make_trust

AUTO = "auto"
INTERNAL = "internal"
UNKNOWN = "(unknown)"
"""Stands in records for what a client said and the policy does not know."""


class PolicyError(DecisionLayerError):
    """The policy is not used. `faults` are lines for people: where, and what."""

    def __init__(self, where: str, faults: tuple[str, ...], hint: str = "") -> None:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(
            f"the policy has {count}: " + "; ".join(faults),
            where=where,
            hint=hint or "mend it and run decision-layer check; the policy in use stays as it is",
        )
        self.faults = faults


class LoadedPolicy:
    """A policy whose names hold, with its order and its hash. Immutable; a reload makes another one."""

    def __init__(self, policy: Policy, sha256: str) -> None:
        self.policy, self.sha256 = policy, sha256
        self.models: dict[str, Model] = {model.name: model for model in policy.models}
        self.zones: dict[str, Zone] = {zone.name: zone for zone in policy.zones}
        self.classes: dict[str, DataClass] = {item.name: item for item in policy.classes}
        self.rank: dict[str, int] = {item.name: rank for rank, item in enumerate(policy.classes)}

    @cached_property
    def highest(self) -> str:
        return self.policy.classes[-1].name

    @cached_property
    def prefixes(self) -> tuple[tuple[str, str], ...]:
        """Patterns that end in `*`, without it, longest first, with their class."""
        given = [(kind[:-1], name) for kind, name in self.policy.findings.items() if kind.endswith("*")]
        return tuple(sorted(given, key=lambda item: -len(item[0])))

    @cached_property
    def words(self) -> frozenset[str]:
        """What clients can say and this policy itself says: tasks, steps, languages, classes and models."""
        whens = [rule.when for rule in self.policy.rules]
        said = [word for when in whens for word in (*when.tasks, *when.steps, *when.languages)]
        return frozenset(("", AUTO, *said, *self.classes, *self.models))

    def known(self, word: str) -> str:
        """For records: the client's word where the policy has it. Any other may be a name or a number of somebody's."""
        return word if word in self.words else UNKNOWN

    def class_of(self, kind: str) -> str:
        """What a finding makes of the text. A kind that the policy does not know counts as the highest class."""
        exact = self.policy.findings.get(kind)
        if exact is not None:
            return exact
        return next((name for prefix, name in self.prefixes if kind.startswith(prefix)), self.highest)

    def higher(self, one: str, other: str) -> str:
        return one if self.rank[one] >= self.rank[other] else other

    def is_home(self, model: Model) -> bool:
        """Computed and kept on the firm's own machines."""
        return self.zones[model.zone].home and model.storage is not None and self.zones[model.storage].home


def parse_policy(content: bytes, where: str) -> LoadedPolicy:
    """Raises PolicyError with every fault."""
    try:
        document = yaml.safe_load(content.decode())
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyError(where, (f"not YAML in UTF-8: {' '.join(str(error).split())}",)) from None
    try:
        policy = Policy.model_validate_json(_as_json(document))
    except ValidationError as error:
        raise PolicyError(where, tuple(map(_tell, error.errors()))) from None
    faults = tuple(find_faults(policy))
    if faults:
        raise PolicyError(where, faults)
    return LoadedPolicy(policy, hashlib.sha256(content).hexdigest())


def read_policy(path: Path) -> LoadedPolicy:
    """Raises PolicyError, also where the file cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError(str(path), (f"cannot be read: {error.strerror}",)) from None
    return parse_policy(content, str(path))


def _as_json(document: object) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError as error:  # a date, or a key that is no text
        return orjson.dumps({"format": f"has a value that JSON does not know: {error}"})


def _tell(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"]) or "the file"
    return f"{place}: {error['msg']}"


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
    for kind, name in policy.findings.items():
        if name not in classes:
            yield f"findings.{kind}: there is no class {name}"
    for model in policy.models:
        for field, zone in (("zone", model.zone), ("storage", model.storage)):
            if zone is not None and zone not in zones:
                yield f"models.{model.name}.{field}: there is no zone {zone}"
        if model.zone not in homes and model.upstream.url.startswith("http://"):
            yield f"models.{model.name}.upstream.url: outside the house only https is used"
        yield from (f"models.{model.name}.upstream.authority: {fault}" for fault in _judge_trust(model.upstream))
    yield from _find_faults_of_rules(policy, classes, models)
    if policy.second_stage is not None:
        yield from _find_faults_of_second_stage(policy.second_stage.model, models, homes)
    if any(item.approval for item in policy.classes) and not policy.approvers:
        yield "approvers: a class needs an approval, and nobody may give one"
    for client in policy.clients:
        if client.label is not None and client.label not in classes:
            yield f"clients.{client.name}.label: there is no class {client.label}"
        yield from (f"clients.{client.name}.models: there is no model {m}" for m in client.models if m not in models)


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
    keys = [client.key for client in policy.clients]
    yield from (f"clients: the key {key} is used twice" for key in sorted({k for k in keys if keys.count(k) > 1}))


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
