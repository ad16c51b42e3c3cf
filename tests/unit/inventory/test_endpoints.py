"""What the policy promises of an engine is what its pinned release serves and a front before it lets through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.inventory import build_inventory
from provision.models.endpoints import further_endpoints, served_endpoints
from provision.models.inventory import InventoryInput, ModelFile
from provision.models.plan import Plan

PlanOf = Callable[..., Plan]
ROLES = Path(__file__).parents[3] / "roles"
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
OLLAMA = ("machines.0.services=[ollama]", "workload.models.0.engine=ollama")
VLLM = (
    "machines.0.services=[vllm]",
    "workload.models.0.engine=vllm",
    "workload.models.0.quant=awq_int4",
    "workload.models.0.kv=fp8",
)
SEVERAL = ("workload.models=[{name: chat, model: qwen3-8b, quant: q4_k_m, context: 8192, replicas: 2, gpus: [0, 1]}]",)
FRONTS = {"ollama_fronts": OLLAMA, "vllm_fronts": VLLM, "llama_cpp_fronts": SEVERAL, "": ()}


@pytest.mark.parametrize(("fronts", "settings"), FRONTS.items(), ids=[name or "direct" for name in FRONTS])
def test_every_promised_path_is_let_through(plan_of: PlanOf, fronts: str, settings: tuple[str, ...]) -> None:
    plan = plan_of("sme-2x4090", *settings)
    file = ModelFile(file=plan.engines[0].model_file, url="http://mirror/a", sha256="ab" * 32, size_mib=10)
    hosts: dict[str, Any] = dict(build_inventory(plan, InventoryInput(model_files=(file,))).host_vars)
    (model,) = yaml.safe_load(hosts["gateway"]["decision_layer_policy"])["models"]
    assert model["endpoints"] == ["chat", "responses", "messages"]
    there = {entry["port"]: entry["paths"] for entry in hosts["engine"].get(fronts, ())}
    port = int(model["upstream"]["url"].removesuffix("/v1").rpartition(":")[2])
    assert bool(fronts) is (port in there)
    let_through = {(path["method"], path["path"]) for path in there.get(port, ())}
    assert not fronts or let_through >= {("POST", PATHS[endpoint]) for endpoint in model["endpoints"]}


def test_they_were_looked_up_in_the_pinned_releases() -> None:
    """Who pins another release looks again and writes down what was found: docs/engine-endpoints.md."""
    pinned = {role: (ROLES / role / "files/recipe/VERSION").read_text().strip() for role in ("llama_cpp", "vllm")}
    artifacts = ROLES.parent / "provision/catalog/data/service-artifacts.yml"
    pinned["ollama"] = yaml.safe_load(artifacts.read_text())["ollama"]["version"]
    told = (ROLES.parent / "docs/engine-endpoints.md").read_text()
    assert pinned == {"llama_cpp": "11434.0.0", "vllm": "0.32.0", "ollama": "0.32.6"}
    assert all(version in told for version in pinned.values())


def test_vectors_are_no_text_and_an_unknown_engine_only_chats(plan_of: PlanOf) -> None:
    engine = plan_of().engines[0]
    encoder = engine.model_copy(update={"embeddings": True})
    assert (served_endpoints(encoder), further_endpoints(encoder)) == (("embeddings",), ())
    unknown = engine.model_copy(update={"service": "sglang"})
    assert (served_endpoints(unknown), further_endpoints(unknown)) == (("chat",), ())
