"""A placed model as the server process that realises it: ports, files and every engine's own flags."""

from __future__ import annotations

from typing import Any

from provision.models.catalog import Catalog
from provision.models.plan import EngineInstance, OllamaFlags, VllmFlags
from provision.models.profile import Engine, Machine
from provision.planner.demand import cpu_kv_gib, has_nvlink
from provision.planner.replicas import Replica
from provision.planner.sharing import Assignment
from provision.planner.throughput import bound_decoding

BATCH = 2048
"""llama.cpp's own default of --batch-size, passed explicitly."""


def name_model_file(model: str, quant: str, engine: Engine) -> str:
    """The name that a model has on the engine's machine: a GGUF file, for vLLM a folder."""
    return f"{model}-{quant}" if engine == "vllm" else f"{model}-{quant}.gguf"


def describe_instance(
    assignment: Assignment, home: Machine, port: int, catalog: Catalog, *, threads: int
) -> EngineInstance:
    """The instance of the wanted model; in the lab another takes its place afterwards."""
    model, demand, placed = assignment.model, assignment.demand, assignment.placed
    serving, shape = demand.serving, demand.architecture
    several = len(assignment.cards) > 1
    return EngineInstance(
        name=model.name,
        replica_of=model.replica_of if isinstance(model, Replica) else None,
        service=model.engine,
        machine=home.name,
        wanted_model=demand.model,
        model=demand.model,
        quant=model.quant,
        model_file=name_model_file(demand.model, model.quant, model.engine),
        simulated=False,
        embeddings=shape.encoder,
        port=port,
        context_tokens=serving.context * serving.parallel,
        parallel=serving.parallel,
        kv=model.kv,
        split_mode="layer" if several else "none",
        tensor_split=placed.shares if several else (),
        # llama.cpp counts the output layer as one more.
        gpu_layers=shape.layers + 1 if assignment.cards else 0,
        batch=serving.ubatch if shape.encoder else BATCH,
        ubatch=serving.ubatch,
        threads=threads,
        cards=placed.budgets,
        host_mib=placed.host_mib,
        decode_bound_tok_s=bound_decoding(demand, assignment.cards, placed),
        **_own_flags(assignment, catalog),
    )


def _own_flags(assignment: Assignment, catalog: Catalog) -> dict[str, Any]:
    if assignment.model.engine == "vllm":
        return {"vllm": _vllm_flags(assignment, catalog)}
    return {"ollama": _ollama_flags(assignment)} if assignment.model.engine == "ollama" else {}


def _vllm_flags(assignment: Assignment, catalog: Catalog) -> VllmFlags:
    serving, cards = assignment.demand.serving, assignment.cards
    return VllmFlags(
        tensor_parallel=max(1, len(cards)),
        gpu_memory_utilization=serving.utilisation if cards else None,
        max_model_len=serving.context,
        max_num_seqs=serving.parallel,
        max_num_batched_tokens=serving.ubatch,
        kv_cache_dtype="fp8" if serving.kv == "fp8" else "auto",
        peer_to_peer=all(has_nvlink(catalog.gpus[card.model]) for card in cards),
        cpu_kv_gib=None if cards else cpu_kv_gib(assignment.demand),
    )


def _ollama_flags(assignment: Assignment) -> OllamaFlags:
    """Its quantised caches need flash attention (envconfig: OLLAMA_KV_CACHE_TYPE), which the plan always turns on."""
    serving = assignment.demand.serving
    kv = assignment.model.kv
    return OllamaFlags(
        context_length=serving.context,
        num_parallel=serving.parallel,
        kv_cache_type="f16" if kv == "fp8" else kv,
        flash_attention=True,
        sched_spread=len(assignment.cards) > 1,
    )
