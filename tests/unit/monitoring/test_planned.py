"""What monitoring adds to a plan, and the check that asks Prometheus about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from provision.catalog import load_catalog
from provision.errors import PlanError
from provision.inventory.decision_layer_vars import decision_layer_vars
from provision.models.inventory import InventoryInput
from provision.models.monitoring import ALERTS, list_targets
from provision.models.observation import MachineObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.models.profile import Machine
from provision.planner import build_plan
from provision.profile import load_profile
from provision.verify.checks.monitoring import CHECK, judge, machines_with_prometheus
from provision.verify.evidence import Evidence, Verdict


def make_plan(*observing: str) -> Plan:
    profile = load_profile("sme-2x4090", overrides=()).profile
    machines = tuple(machine for machine in profile.machines if machine.name != "observe")
    if observing:
        own = Machine.model_validate(
            {"name": "observe", "kind": "lxc", "services": observing, "cores": 1}
            | {"memory": "1GiB", "disk": "8GiB", "address": 14}
        )
        machines = (*machines, own)
    profile = profile.model_copy(update={"machines": machines})
    return build_plan(profile, load_catalog(), client="acme", target="live", lab=None)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan("prometheus", "alertmanager")


def test_without_prometheus_nothing_is_added() -> None:
    plan = make_plan()
    assert not {service.name for service in plan.services} & {"node_exporter", "gpu_exporter"}
    assert list_targets(plan) == ()
    assert not machines_with_prometheus(plan)


def test_every_machine_has_its_exporter_and_the_cards_theirs(plan: Plan) -> None:
    placed = {(service.name, service.machine) for service in plan.services if service.name.endswith("_exporter")}
    assert placed == {("gpu_exporter", "engine")} | {("node_exporter", machine.name) for machine in plan.machines}


def test_exporters_are_open_to_prometheus_alone(plan: Plan) -> None:
    sources = {flow.source for flow in plan.flows if flow.port in {9100, 9835}}
    assert sources == {"observe"}
    assert not [flow for flow in plan.flows if flow.port in {9090, 9093}]
    assert [flow for flow in plan.flows if (flow.source, flow.target, flow.port) == ("observe", "engine", 8081)]


def test_what_speaks_with_prometheus_lives_beside_it() -> None:
    profile = load_profile("sme-2x4090", overrides=()).profile
    moved = tuple(
        machine.model_copy(update={"services": (*machine.services, "grafana")})
        if machine.name == "apps"
        else machine.model_copy(update={"services": tuple(name for name in machine.services if name != "grafana")})
        for machine in profile.machines
    )
    with pytest.raises(PlanError, match="'grafana' is on 'apps', but prometheus on 'observe'"):
        build_plan(
            profile.model_copy(update={"machines": moved}), load_catalog(), client="acme", target="live", lab=None
        )


def test_the_gateway_tells_what_it_served(plan: Plan) -> None:
    (target,) = [target for target in list_targets(plan) if target.job == "caddy"]
    assert (target.machine, target.address) == ("gateway", "10.42.0.10:9180")
    assert [flow.source for flow in plan.flows if (flow.target, flow.port) == ("gateway", 9180)] == ["observe"]


def test_the_decision_layer_is_read_by_a_password_that_no_client_has(plan: Plan) -> None:
    (target,) = [target for target in list_targets(plan) if target.job == "decision_layer"]
    assert (target.machine, target.address) == ("gateway", "10.42.0.10:8300")
    assert [flow.source for flow in plan.flows if (flow.target, flow.port) == ("gateway", 8300)] == ["apps", "observe"]
    (service,) = [service for service in plan.services if service.name == "decision_layer"]
    (machine,) = [machine for machine in plan.machines if machine.name == "gateway"]
    variables = decision_layer_vars(plan, machine, service, InventoryInput())
    assert variables["decision_layer_metrics"] == {"user": "prometheus", "key": "metrics"}
    keys = {item["name"]: item["key"].name for item in variables["decision_layer_keys"]}
    assert [name for name, secret in keys.items() if secret == keys["metrics"] == "metrics_password"] == ["metrics"]


def test_without_prometheus_the_decision_layer_tells_nobody() -> None:
    plan = make_plan()
    (service,) = [service for service in plan.services if service.name == "decision_layer"]
    (machine,) = [machine for machine in plan.machines if machine.name == "gateway"]
    variables = decision_layer_vars(plan, machine, service, InventoryInput())
    assert variables["decision_layer_metrics"] == {}
    assert "metrics" not in {item["name"] for item in variables["decision_layer_keys"]}


def test_on_one_machine_the_gateway_tells_it_on_loopback() -> None:
    profile = load_profile("hetzner-rtx6000", overrides=()).profile
    plan = build_plan(profile, load_catalog(), client="acme", target="live", lab=None)
    (target,) = [target for target in list_targets(plan) if target.job == "caddy"]
    assert target.address == "127.0.0.1:9180"
    assert not [flow for flow in plan.flows if flow.port in {9180, 3000}]


def judge_seen(plan: Plan, changes: Mapping[str, Any]) -> Verdict:
    seen: dict[str, Any] = {
        "url": "http://127.0.0.1:9090",
        "targets": [
            {"job": target.job, "name": target.name, "health": "up", "error": None} for target in list_targets(plan)
        ],
        "rules": [{"name": name, "state": "inactive", "health": "ok", "error": None} for name in ALERTS],
        "alertmanagers": ["http://127.0.0.1:9093/api/v2/alerts"],
        "error": None,
    } | dict(changes)
    document = {"format": 1, "taken_at": datetime.now(UTC), "duration_s": 1.0, "prometheus": [seen]}
    observation = MachineObservation.model_validate(document, strict=False)
    (verdict,) = judge(Evidence(plan, {"observe": observation}, WebObservation()), "observe")
    return verdict


def test_all_up(plan: Plan) -> None:
    verdict = judge_seen(plan, {})
    assert verdict.status == "passed"
    assert CHECK.targets(plan) == ["observe"]
    assert verdict.measured == "11 targets up, 29 rules; none fires"


DOWN = {"job": "node", "name": "data", "health": "down", "error": "401 Unauthorized"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"targets": []}, "gpu engine is not read"),
        ({"targets": [DOWN]}, "node data is down: 401 Unauthorized"),
        ({"targets": [{**DOWN, "name": "stranger"}]}, "node stranger is read although not planned"),
        ({"rules": []}, "alert GpuGone is not known"),
        ({"rules": [{"name": "GpuGone", "state": "inactive", "health": "err", "error": "bad"}]}, "alert GpuGone: bad"),
        ({"alertmanagers": []}, "no Alertmanager to tell"),
        ({"error": "refused"}, "not known: refused"),
    ],
)
def test_what_fails(plan: Plan, changes: Mapping[str, Any], text: str) -> None:
    verdict = judge_seen(plan, changes)
    assert verdict.status == "failed"
    assert text in verdict.measured
    assert verdict.hint
