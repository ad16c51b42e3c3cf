"""One healthy lab stack (plan, what its machines say, what it answers from outside), and a way to break one value."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from provision.models.observation import MachineObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.models.report import CheckResult
from provision.verify.judge import judge
from provision.verify.observe import parse_observation

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
LAB = FIXTURES / "sme-2x4090-lab"

Judged = tuple[CheckResult, ...]
Break = Callable[..., Judged]


@pytest.fixture(scope="session")
def plan() -> Plan:
    return Plan.model_validate_json((LAB / "plan.json").read_text())


@pytest.fixture(scope="session")
def live_plan() -> Plan:
    return Plan.model_validate_json((FIXTURES / "sme-2x4090-live" / "plan.json").read_text())


@pytest.fixture(scope="session")
def observations(plan: Plan) -> dict[str, MachineObservation]:
    return {m.name: parse_observation(m.name, (LAB / f"{m.name}.json").read_text()) for m in plan.machines}


@pytest.fixture(scope="session")
def web() -> WebObservation:
    return WebObservation.model_validate_json((LAB / "web.json").read_text())


def amend[Model: BaseModel](model: Model, changes: Mapping[str, Any]) -> Model:
    """A copy with the values at the dotted paths changed ('gpu.devices.0.name'); a list's item may be deleted."""
    document = model.model_dump(mode="json")
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = document
        for part in parents:
            place = place[int(part) if isinstance(place, list) else part]
        place[int(last) if isinstance(place, list) else last] = value
    return type(model).model_validate_json(json.dumps(document))


@pytest.fixture(name="amend", scope="session")
def amend_fixture() -> Callable[..., Any]:
    return amend


@pytest.fixture(scope="session")
def judge_broken(plan: Plan, observations: dict[str, MachineObservation], web: WebObservation) -> Break:
    """Judge the healthy stack with some values of one machine (or of 'web') changed; None: it does not answer."""

    def run(machine: str, changes: Mapping[str, Any] | None) -> Judged:
        seen = dict(observations)
        outside = web
        if changes is None:
            del seen[machine]
        elif machine == "web":
            outside = amend(web, changes)
        else:
            seen[machine] = amend(seen[machine], changes)
        return judge(plan, seen, outside)

    return run
