"""Several engines: what each is told, who shares a card, and what apps may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError
from provision.inventory import build_inventory, required_secrets
from provision.models.catalog import Catalog
from provision.models.inventory import InventoryInput, ModelFile
from provision.models.lab import LabModel
from provision.models.plan import Plan
from provision.models.profile import Profile
from provision.planner import build_plan

Make = Callable[..., Any]
VLLM = {"name": "fast", "model": "qwen3-8b", "engine": "vllm", "quant": "bf16", "kv": "f16", "context": 4096}
GGUF = {"name": "small", "model": "gemma-3-270m", "quant": "q4_k_m", "kv": "f16", "context": 2048, "parallel": 1}


def _catalog() -> Catalog:
    """The real one, with a service ollama where it has none yet."""
    catalog = load_catalog()
    ollama = catalog.services["llama_cpp"].model_copy(
        update={"name": "ollama", "port": 11434, "unit": "ollama@.service"}
    )
    return catalog.model_copy(update={"services": {"ollama": ollama} | catalog.services})


def _plan(profile: Profile, lab: LabModel | None = None) -> Plan:
    target: Any = "lab" if lab else "live"
    return build_plan(profile, _catalog(), client="acme", target=target, lab=lab)


def _problems(profile: Profile) -> list[PlanError]:
    with pytest.raises((ErrorGroup, PlanError)) as caught:
        _plan(profile)
    error = caught.value
    return list(getattr(error, "errors", [error]))


@pytest.fixture
def profile(make_profile: Make, make_machine: Make) -> Make:
    def make(*models: dict[str, Any], cards: int = 2, engines: tuple[str, ...] = ("vllm",)) -> Profile:
        made: Profile = make_profile(
            gpus=[{"model": "rtx-4090", "count": cards}] if cards else [],
            workload={"models": list(models)},
            machines=[
                make_machine("engine", list(engines), 11, memory="64GiB"),
                make_machine("data", ["postgresql"], 12),
                make_machine("apps", ["open_webui", "n8n"], 13),
                make_machine("gateway", ["caddy", "decision_layer"], 10),
            ],
        )
        return made

    return make


def test_vllm_fills_its_cards_and_leaves_the_reserve(profile: Make) -> None:
    (engine,) = _plan(profile(VLLM | {"gpus": [0, 1]})).engines
    flags = engine.vllm
    assert flags is not None
    assert (flags.tensor_parallel, flags.max_model_len, flags.max_num_seqs) == (2, 4096, 1)
    assert flags.peer_to_peer is False
    assert flags.gpu_memory_utilization is not None
    assert 0.9 < flags.gpu_memory_utilization < 0.96
    assert all(24080 * 0.85 < budget.total_mib <= 24080 - 1024 for budget in engine.cards)
    assert engine.model_file == "qwen3-8b-bf16"


def test_a_card_of_vllm_is_nobody_elses(profile: Make) -> None:
    both = ("vllm", "llama_cpp")
    (problem,) = _problems(profile(VLLM | {"gpus": [0, 1]}, GGUF | {"gpus": [1]}, engines=both))
    assert "vLLM takes a card whole" in problem.what
    assert "fast (vllm)" in problem.what
    assert "gpu_share" in (problem.hint or "")


def test_a_stated_share_lets_another_engine_have_the_rest(profile: Make) -> None:
    shared = VLLM | {"gpus": [0, 1], "gpu_share": 0.9}
    plan = _plan(profile(shared, GGUF | {"gpus": [1]}, engines=("vllm", "llama_cpp")))
    vllm, other = plan.engines
    assert vllm.vllm is not None
    assert vllm.vllm.gpu_memory_utilization == 0.9
    assert [budget.card for budget in other.cards] == [1]
    taken = sum(b.total_mib for engine in plan.engines for b in engine.cards if b.card == 1)
    assert taken <= 24080 - 1024


def test_ollama_and_llama_cpp_share_while_the_budgets_add_up(profile: Make) -> None:
    engines = ("ollama", "llama_cpp")
    second = GGUF | {"name": "second", "engine": "ollama", "gpus": [0]}
    plan = _plan(profile(GGUF | {"gpus": [0]}, second, cards=1, engines=engines))
    assert [budget.card for engine in plan.engines for budget in engine.cards] == [0, 0]
    assert plan.engines[1].ollama is not None
    assert plan.engines[1].ollama.flash_attention is True


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kv": "q8_0"}, "vllm has no KV cache of the type q8_0"),
        ({"quant": "q4_k_m"}, "has no quantisation 'q4_k_m' for vllm"),
        ({"engine": "llama_cpp", "quant": "q4_k_m", "gpu_share": 0.5}, "gpu_share of 'fast' is vLLM's"),
    ],
)
def test_what_an_engine_has_not_is_a_problem(profile: Make, change: dict[str, Any], words: str) -> None:
    found = _problems(profile(VLLM | change, engines=(str(change.get("engine", "vllm")),)))
    assert any(words in problem.what for problem in found)


def test_apps_need_an_engine_whichever(profile: Make) -> None:
    plan = _plan(profile(VLLM))
    asked = {(flow.source, flow.port) for flow in plan.flows if flow.target == "engine" and flow.port == 8200}
    assert ("gateway", 8200) in asked
    assert ("apps", 8200) not in asked
    assert "vllm_api_key_fast" in required_secrets(plan)
    apps = build_inventory(plan, InventoryInput()).host_vars["apps"]
    assert apps["open_webui_engines"][0]["url"] == "http://10.42.0.10:8300/v1"


def test_the_front_is_all_that_listens_beyond_loopback(profile: Make) -> None:
    name = "qwen3-8b-bf16"
    given = InventoryInput(
        model_files=(ModelFile(file=f"{name}/config.json", url="http://m/1", sha256="0" * 64, size_mib=1),)
    )
    host = build_inventory(_plan(profile(VLLM | {"gpus": [0, 1]})), given).host_vars["engine"]
    (server,), (front,) = host["vllm_instances"], host["vllm_fronts"]
    assert (front["address"], front["port"], front["upstream"]) == ("10.42.0.11", 8200, "127.0.0.1:8200")
    assert {path["path"] for path in front["paths"] if path.get("open")} == {"/health"}
    assert {"/invocations", "/server_info", "/pause"} & {path["path"] for path in front["paths"]} == set()
    assert server["environment"] == {"NCCL_P2P_DISABLE": "1"}
    assert host["vllm_models"][0]["files"][0]["file"] == "config.json"
    assert host["vllm_build_environment"] == {"VLLM_CUDA": "ON"}


def test_the_lab_serves_a_tiny_checkpoint_and_says_so(profile: Make, lab_model: LabModel) -> None:
    (engine,) = _plan(profile(VLLM | {"gpus": [0, 1]}), lab_model).engines
    assert engine.simulated
    assert (engine.wanted_model, engine.model) == ("qwen3-8b", "tiny-random-qwen2")
    assert engine.vllm is not None
    assert (engine.vllm.tensor_parallel, engine.vllm.cpu_kv_gib, engine.vllm.max_model_len) == (1, 1, 4096)


def test_a_server_that_must_answer_in_json_does_not_write_white_space(profile: Make) -> None:
    (host,) = [
        values
        for values in build_inventory(_plan(profile(VLLM)), InventoryInput()).host_vars.values()
        if "vllm_instances" in values
    ]
    options = host["vllm_instances"][0]["options"]
    assert options[options.index("--structured-outputs-config.disable_any_whitespace") + 1] == "true"
