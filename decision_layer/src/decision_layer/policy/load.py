"""Read a policy file: every fault of it at once, or the policy with its hash."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable
from functools import cached_property
from pathlib import Path

import orjson
import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from decision_layer.errors import DecisionLayerError
from decision_layer.policy.faults import find_faults
from decision_layer.policy.shape import AUTO, DataClass, Model, Policy, Zone

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


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML's libraries take the last one, and who reads the file may see the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, times in Counter(keys).items():
            if times > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def parse_policy(content: bytes, where: str, *, former: bool = False) -> LoadedPolicy:
    """Raises PolicyError with every fault. `former`: one that was in use, by what was asked of a policy then."""
    try:
        document = yaml.load(content.decode(), yaml.SafeLoader if former else _Loader)  # noqa: S506 - both are safe
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyError(where, (f"not YAML in UTF-8: {' '.join(str(error).split())}",)) from None
    try:
        policy = Policy.model_validate_json(_as_json(document))
    except ValidationError as error:
        raise PolicyError(where, tuple(map(_tell, error.errors()))) from None
    faults = () if former else tuple(find_faults(policy))
    if faults:
        raise PolicyError(where, faults)
    return LoadedPolicy(policy, hashlib.sha256(content).hexdigest())


def read_policy(path: Path, *, former: bool = False) -> LoadedPolicy:
    """Raises PolicyError, also where the file cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError(str(path), (f"cannot be read: {error.strerror}",)) from None
    return parse_policy(content, str(path), former=former)


def _as_json(document: object) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError as error:  # a date, or a key that is no text
        return orjson.dumps({"format": f"has a value that JSON does not know: {error}"})


def _tell(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"]) or "the file"
    return f"{place}: {error['msg']}"
