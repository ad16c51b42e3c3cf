"""What of a plan arrives at the one Ollama server of a machine, its fronts and its probe."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provision.errors import PlanError
from provision.inventory.ollama_vars import ollama_probe_vars, ollama_vars
from provision.models.inventory import InventoryInput, ModelFile, SecretReference
from provision.models.plan import EngineInstance, OllamaFlags, Plan

PlanOf = Callable[..., Plan]
SHA256 = "ab" * 32


def on_ollama(engine: EngineInstance, name: str, parallel: int = 2, port: int = 8181) -> EngineInstance:
    flags = OllamaFlags(
        context_length=4096, num_parallel=parallel, kv_cache_type="q8_0", flash_attention=True, sched_spread=True
    )
    changes = {"name": name, "service": "ollama", "parallel": parallel, "context_tokens": 4096 * parallel}
    return engine.model_copy(update={**changes, "port": port, "ollama": flags})


@pytest.fixture
def plan(plan_of: PlanOf) -> Plan:
    return plan_of()


def given_for(plan: Plan) -> InventoryInput:
    file = ModelFile(file=plan.engines[0].model_file, url="http://mirror/a", sha256=SHA256, size_mib=10)
    return InventoryInput(model_files=(file,))


def test_one_server_has_all_models_and_each_has_a_front_of_its_own(plan: Plan) -> None:
    machine = next(machine for machine in plan.machines if machine.name == plan.engines[0].machine)
    engines = [on_ollama(plan.engines[0], "chat"), on_ollama(plan.engines[0], "code", port=8182)]
    told = ollama_vars(plan, machine, engines, given_for(plan))
    assert (told["ollama_parallel"], told["ollama_kv_type"], told["ollama_spread"]) == (2, "q8_0", True)
    # Context per request: Ollama multiplies by the number of requests itself.
    assert [(m["name"], m["context_tokens"], m["sha256"]) for m in told["ollama_models"]] == [
        ("chat", 4096, SHA256),
        ("code", 4096, SHA256),
    ]
    cards = {budget.card for budget in plan.engines[0].cards}
    assert cards
    assert len(told["ollama_cuda_visible_devices"].split(",")) == len(cards)
    assert [(front["port"], front["key"]) for front in told["ollama_fronts"]] == [
        (8181, SecretReference(name="ollama_api_key_chat")),
        (8182, SecretReference(name="ollama_api_key_code")),
    ]
    for front in told["ollama_fronts"]:
        assert front["address"] == str(machine.address)
        assert front["upstream"] == "127.0.0.1:11434"


def test_nothing_that_writes_is_let_through(plan: Plan) -> None:
    machine = plan.machines[0]
    front = ollama_vars(plan, machine, [on_ollama(plan.engines[0], "chat")], given_for(plan))["ollama_fronts"][0]
    assert {(path["method"], path["path"]) for path in front["paths"]} == {
        ("GET", "/v1/models"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
        ("GET", "/api/version"),
    }
    assert [path["path"] for path in front["paths"] if path.get("open")] == ["/api/version"]


def test_settings_that_one_server_cannot_have_twice_are_refused(plan: Plan) -> None:
    engines = [on_ollama(plan.engines[0], "chat"), on_ollama(plan.engines[0], "code", parallel=3)]
    with pytest.raises(PlanError, match="one num_parallel"):
        ollama_vars(plan, plan.machines[0], engines, given_for(plan))


def test_a_model_without_checksum_is_refused(plan: Plan) -> None:
    with pytest.raises(PlanError, match="no checksum"):
        ollama_vars(plan, plan.machines[0], [on_ollama(plan.engines[0], "chat")], InventoryInput())


def test_the_probe_asks_on_loopback_and_knows_the_planned_digest(plan: Plan) -> None:
    told = ollama_probe_vars(on_ollama(plan.engines[0], "chat"), given_for(plan))
    assert told == {"api": "http://127.0.0.1:11434", "model_file": plan.engines[0].model_file, "sha256": SHA256}
