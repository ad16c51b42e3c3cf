"""The decision layer's policy file, as far as the papers need it: classes, zones, models, who asks and who reviews.

The file's full check is `decision-layer check FILE`; here every name that a paper would repeat must lead somewhere.
Format: decision_layer/src/decision_layer/policy/shape.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from provision.errors import ErrorGroup, UsageError
from provision.models.base import Frozen

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES = 2**20


class _Part(BaseModel):
    """What the papers do not repeat is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PolicyClass(_Part):
    name: str
    title: str
    zones: tuple[str, ...]
    approval: bool = False


class PolicyZone(_Part):
    name: str
    title: str
    home: bool = False


class PolicyModel(_Part):
    """`storage` None: nobody knows where prompts are kept, and then no class may go there."""

    name: str
    title: str
    zone: str
    storage: str | None = None
    provider: str


class PolicyNamed(_Part):
    name: str


class PolicyRule(_Part):
    name: str
    title: str
    to: tuple[str, ...]


class PolicyLimits(_Part):
    detection_seconds: float = 2.0


class Policy(_Part):
    format: Literal[1]
    name: str
    version: int
    classes: tuple[PolicyClass, ...]
    default_class: str
    opaque: str
    zones: tuple[PolicyZone, ...]
    findings: dict[str, str]
    models: tuple[PolicyModel, ...]
    rules: tuple[PolicyRule, ...]
    clients: tuple[PolicyNamed, ...] = ()
    reviewers: tuple[PolicyNamed, ...] = ()
    approvers: tuple[PolicyNamed, ...] = ()

    def takers(self, item: PolicyClass) -> tuple[PolicyModel, ...]:
        """Models that may take data of a class: they compute and keep it where the class may be."""
        return tuple(m for m in self.models if m.storage is not None and {m.zone, m.storage} <= set(item.zones))

    def zone(self, name: str) -> PolicyZone:
        return next(zone for zone in self.zones if zone.name == name)


class PolicyFile(Frozen):
    """`sha256` is over the file's bytes, as the decision layer writes it into each record."""

    path: str
    sha256: str
    policy: Policy


def read_policy(path: Path) -> PolicyFile:
    """Raises UsageError where it cannot be read, ErrorGroup with every fault of it."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refuse(path, f"it cannot be read: {error.strerror}") from error
    try:
        if len(content) > MAX_BYTES:
            raise ValueError("it is larger than any policy")
        document: Any = yaml.load(content.decode(), Loader=_LOADER)  # noqa: S506 - both loaders are safe
    except (ValueError, yaml.YAMLError) as error:
        raise _refuse(path, " ".join(str(error).split())) from None
    return PolicyFile(path=str(path), sha256=hashlib.sha256(content).hexdigest(), policy=judge_policy(document, path))


def judge_policy(document: object, path: Path) -> Policy:
    """Raises ErrorGroup with every fault; `path` is where they are told to be."""
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors(include_url=False)]
        raise ErrorGroup([_refuse(path, fault) for fault in faults]) from None
    if faults := list(_find_faults(policy)):
        raise ErrorGroup([_refuse(path, fault) for fault in faults])
    return policy


def _find_faults(policy: Policy) -> Iterator[str]:
    zones, classes = {zone.name for zone in policy.zones}, {item.name for item in policy.classes}
    models = {model.name for model in policy.models}
    for what, names in (("zones", zones), ("classes", classes), ("models", models)):
        if len(names) < len(getattr(policy, what)):
            yield f"{what}: a name is there twice"
    for item in policy.classes:
        yield from (f"classes.{item.name}.zones: there is no zone {name}" for name in item.zones if name not in zones)
    for model in policy.models:
        for field, place in (("zone", model.zone), ("storage", model.storage)):
            if place is not None and place not in zones:
                yield f"models.{model.name}.{field}: there is no zone {place}"
    for field, name in (("default_class", policy.default_class), ("opaque", policy.opaque)):
        if name not in classes:
            yield f"{field}: there is no class {name}"
    yield from (
        f"findings.{kind}: there is no class {name}" for kind, name in policy.findings.items() if name not in classes
    )
    if any(item.approval for item in policy.classes) and not policy.approvers:
        yield "approvers: a class needs an approval, and nobody may give one"
    for rule in policy.rules:
        yield from (f"rules.{rule.name}.to: there is no model {name}" for name in rule.to if name not in models)


def _refuse(path: Path, what: str) -> UsageError:
    return UsageError(
        f"the policy cannot be used: {what}", where=str(path), hint="decision-layer check tells all of its faults"
    )
