"""Two plans, difference by difference, and a plan's fingerprint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from provision.models.plan import Plan, PlanChange

_KEYS = {
    "cards": ("index",),
    "machines": ("name",),
    "services": ("name",),
    "engines": ("name",),
    "balancers": ("name",),
    "sites": ("name",),
    "flows": ("source", "target", "protocol", "port"),
    "findings": ("where", "what"),
}
"""What tells the members of each list apart."""


def diff_plans(old: Plan, new: Plan) -> tuple[PlanChange, ...]:
    """Every difference by path ('machines.engine.memory_mib'); a member that comes or goes is one change."""
    return tuple(_compare("", _keyed(old.model_dump(mode="json")), _keyed(new.model_dump(mode="json"))))


def plan_digest(plan: Plan) -> str:
    """sha256 (hex) over the plan's canonical JSON: sorted keys, no spaces, UTF-8."""
    return sha256(_canonical(plan.model_dump(mode="json")).encode()).hexdigest()


def _compare(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[PlanChange]:
    for key in [*old, *(key for key in new if key not in old)]:
        here = f"{path}.{key}" if path else key
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _compare(here, before, after)
        elif before != after:
            yield PlanChange(path=here, before=_text(before), after=_text(after))


def _keyed(document: dict[str, Any]) -> dict[str, Any]:
    """Lists of things become mappings by what tells the things apart."""
    result: dict[str, Any] = {}
    for field, value in document.items():
        names = _KEYS.get(field)
        if names is None:
            result[field] = value
            continue
        members = {" ".join(str(member[name]) for name in names): member for member in value}
        result[field] = {
            key: member | {"cards": {str(budget["card"]): budget for budget in member["cards"]}}
            if field == "engines"
            else member
            for key, member in members.items()
        }
    return result


def _text(value: Any) -> str | None:
    """None means: not there. Plain values as they are, everything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return _canonical(value)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
