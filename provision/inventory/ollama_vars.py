"""Variables of the role `ollama`: one server per machine, its models, and a front with a key for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provision.errors import PlanError
from provision.inventory.secrets import api_key_of
from provision.models.inventory import InventoryInput, ModelFile
from provision.models.plan import EngineInstance, OllamaFlags, Plan, PlannedMachine

OLLAMA_PORT = 11434
"""On loopback only: Ollama's API has no authentication, and /api/create, push, pull, copy, delete and blobs must never
be reached from elsewhere (CVE-2026-7482 among others). Clients come in by the front at the engine's planned port."""

ALLOWED_PATHS = (
    {"method": "GET", "path": "/v1/models"},
    {"method": "POST", "path": "/v1/chat/completions"},
    {"method": "POST", "path": "/v1/responses"},
    {"method": "POST", "path": "/v1/messages"},
    {"method": "POST", "path": "/v1/completions"},
    {"method": "POST", "path": "/v1/embeddings"},
    # Without a key, so that health can be asked; it tells the version and nothing else.
    {"method": "GET", "path": "/api/version", "open": True},
)


def ollama_vars(
    plan: Plan, machine: PlannedMachine, engines: Sequence[EngineInstance], given: InventoryInput
) -> dict[str, Any]:
    """Settings of the one server that has all `engines` of this machine.

    Raises PlanError where they want different values of what Ollama has one of (envconfig/config.go).
    """
    flags = _common_flags(engines)
    used = {budget.card for engine in engines for budget in engine.cards}
    files = {model.file: model for model in given.model_files}
    return {
        "ollama_port": OLLAMA_PORT,
        "ollama_context_tokens": flags.context_length,
        "ollama_parallel": flags.num_parallel,
        "ollama_kv_type": flags.kv_cache_type,
        "ollama_spread": flags.sched_spread,
        # By UUID where it is known: the numbers of cards may change from boot to boot.
        "ollama_cuda_visible_devices": ",".join(c.uuid or str(c.index) for c in plan.cards if c.index in used),
        "ollama_models": [_model(engine, files) for engine in engines],
        "ollama_fronts": [_front(machine, engine) for engine in engines],
    }


def _common_flags(engines: Sequence[EngineInstance]) -> OllamaFlags:
    flags = [engine.ollama for engine in engines if engine.ollama is not None]
    for name in ("num_parallel", "kv_cache_type"):
        values = {str(getattr(flag, name)): engine.name for flag, engine in zip(flags, engines, strict=True)}
        if len(values) > 1:
            told = ", ".join(f"'{engine}' {value}" for value, engine in values.items())
            raise PlanError(
                f"Ollama has one {name} for all its models, and the plan has several: {told}",
                where=f"machine '{engines[0].machine}', workload.models",
                hint="give its models the same parallel and kv, or put one of them on another engine",
            )
    return flags[0].model_copy(update={"sched_spread": any(flag.sched_spread for flag in flags)})


def _model(engine: EngineInstance, files: dict[str, ModelFile]) -> dict[str, Any]:
    found = files.get(engine.model_file)
    if found is None:
        raise PlanError(
            f"no checksum is known of '{engine.model_file}'",
            where=f"model '{engine.name}' on Ollama",
            hint="provision lock shows the model files; choose one that is pinned",
        )
    return {
        "name": engine.name,
        "file": engine.model_file,
        "sha256": found.sha256,
        "url": found.url,
        "size_mib": found.size_mib,
        # The plan's number is over all slots; Ollama multiplies by itself (llm/llama_server.go).
        "context_tokens": engine.context_tokens // engine.parallel,
        "gpu_layers": engine.gpu_layers,
        "embeddings": engine.embeddings,
    }


def _front(machine: PlannedMachine, engine: EngineInstance) -> dict[str, Any]:
    return {
        "name": engine.name,
        "address": str(machine.address),
        "port": engine.port,
        "upstream": f"127.0.0.1:{OLLAMA_PORT}",
        "key": api_key_of(engine),
        "paths": list(ALLOWED_PATHS),
    }


def ollama_probe_vars(engine: EngineInstance, given: InventoryInput) -> dict[str, Any]:
    """What the probe must know to ask for one model of Ollama on loopback."""
    sums = {model.file: model.sha256 for model in given.model_files}
    return {
        "api": f"http://127.0.0.1:{OLLAMA_PORT}",
        "model_file": engine.model_file,
        "sha256": sums.get(engine.model_file, ""),
    }
