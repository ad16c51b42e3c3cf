"""Several servers of one model: cards, ports, names, flows and what clients are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError, ProvisionError
from provision.inventory import build_inventory, required_secrets
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.profile import load_profile
from provision.verify.checks.listeners import planned_ports
from provision.verify.checks.service_health import planned_units

SMALL = {"name": "chat", "model": "gemma-3-270m", "engine": "llama_cpp", "quant": "q4_k_m", "context": 2048}
ENCODER = {"name": "embed", "model": "bge-m3", "engine": "llama_cpp", "quant": "f16", "context": 8192}


def plan_of(folder: Path, *models: dict[str, Any], profile: str = "sme-2x4090") -> Plan:
    path = folder / "profile.yml"
    path.write_text(yaml.safe_dump({"name": "twice", "extends": profile, "workload": {"models": list(models)}}))
    loaded = load_profile(str(path), overrides=()).profile
    return build_plan(loaded, load_catalog(), client="acme", target="live", lab=None)


def all_of(error: BaseException) -> list[ProvisionError]:
    if isinstance(error, ErrorGroup):
        return list(error.errors)
    assert isinstance(error, ProvisionError)
    return [error]


def test_two_servers_on_two_cards_behind_the_port_that_one_would_have(tmp_path: Path) -> None:
    alone = plan_of(tmp_path, SMALL, ENCODER)
    twice = plan_of(tmp_path, SMALL | {"replicas": 2}, ENCODER)
    assert [(e.name, e.port) for e in twice.engines] == [("chat-1", 8097), ("chat-2", 8113), ("embed", 8082)]
    cards = [[budget.card for budget in engine.cards] for engine in twice.engines]
    assert sorted(cards[0] + cards[1]) == [0, 1]
    (balancer,) = twice.balancers
    assert (balancer.name, balancer.members) == ("chat", ("chat-1", "chat-2"))
    assert balancer.port == alone.engines[0].port == twice.entry_port(twice.engines[1]) == 8081
    assert alone.balancers == ()


def test_clients_see_one_model_one_address_and_one_key(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SMALL | {"replicas": 2}, ENCODER)
    values = build_inventory(plan, InventoryInput()).host_vars
    engine, gateway = (next(m.address for m in plan.machines if m.name == name) for name in ("engine", "gateway"))
    webui = next(host["open_webui_engines"] for host in values.values() if "open_webui_engines" in host)
    assert [item["url"] for item in webui] == [f"http://{gateway}:8300/v1"]
    models = yaml.safe_load(values["gateway"]["decision_layer_policy"])["models"]
    assert [model["upstream"]["url"] for model in models] == [f"http://{engine}:8081/v1", f"http://{engine}:8082/v1"]
    assert [model["endpoints"] for model in models] == [["chat", "responses", "messages"], ["embeddings"]]
    report = next(host["n8n_engines"] for host in values.values() if "n8n_engines" in host)
    assert [(item["name"], item["health_url"]) for item in report] == [
        ("chat", f"http://{gateway}:8300/health"),
        ("embed", f"http://{gateway}:8300/health"),
    ]
    assert [name for name in required_secrets(plan) if "api_key" in name and "qdrant" not in name] == [
        "llama_cpp_api_key_chat",
        "llama_cpp_api_key_embed",
    ]
    assert [item["alias"] for item in values["engine"]["llama_cpp_instances"]] == ["chat", "chat", "embed"]
    (front,) = values["engine"]["llama_cpp_fronts"]
    assert (front["upstream"], front["more_upstreams"]) == (f"{engine}:8097", [f"{engine}:8113"])
    service = next(service for service in plan.services if service.name == "llama_cpp")
    units = ["llama-cpp@chat-1", "llama-cpp@chat-2", "llama-cpp@embed", "engine-front@llama_cpp-chat"]
    assert planned_units(plan, service) == [f"{unit}.service" for unit in units]
    assert set(planned_units(plan, service)) <= set(values["engine"]["probe_units"])


def test_only_the_balancer_and_the_scraper_reach_them(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SMALL | {"replicas": 2}, ENCODER)
    asked = {(flow.source, flow.port) for flow in plan.flows if flow.target == "engine" and flow.port > 8000}
    assert {port for source, port in asked if source == "gateway"} == {8081, 8082}
    assert "apps" not in {source for source, _ in asked}
    assert {port for source, port in asked if source == "observe"} >= {8097, 8113}
    assert {8081, 8097, 8113} <= planned_ports(plan, "engine")


def test_cards_that_are_named_are_dealt_out(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SMALL | {"replicas": 2, "gpus": [1, 0]})
    assert [[budget.card for budget in engine.cards] for engine in plan.engines] == [[1], [0]]
    plan = plan_of(tmp_path, SMALL | {"replicas": 2, "gpus": []})
    assert [engine.cards for engine in plan.engines] == [(), ()]


@pytest.mark.parametrize(
    ("model", "said", "where"),
    [
        (SMALL | {"replicas": 3}, "no card is left for replica 3 of 'chat'", "workload.models.0.replicas"),
        (SMALL | {"replicas": 2, "gpus": [0]}, "1 cards are named for 2 replicas", "workload.models.0.gpus"),
        (SMALL | {"replicas": 2, "engine": "ollama"}, "balanced for llama_cpp alone", "workload.models.0.replicas"),
        (SMALL | {"replicas": 2, "quant": "q9"}, "has no quantisation 'q9'", "workload.models.0.quant"),
        (ENCODER | {"name": "chat-2"}, "two models are called 'chat-2'", "workload.models"),
    ],
)
def test_what_cannot_be_replicated_is_said(tmp_path: Path, model: dict[str, Any], said: str, where: str) -> None:
    others = [SMALL | {"replicas": 2}] if model["name"] == "chat-2" else []
    with pytest.raises((ErrorGroup, PlanError)) as caught:
        plan_of(tmp_path, *others, model)
    errors = all_of(caught.value)
    found = [error for error in errors if said in error.what]
    assert len(found) == 1, errors
    assert where in found[0].where
