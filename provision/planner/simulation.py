"""In the lab a small real model stands for a large one, and its process's memory is what a simulated card shows."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from provision.errors import PlanError
from provision.models.architecture import Serving
from provision.models.catalog import Catalog
from provision.models.lab import LabModel
from provision.models.plan import CardBudget, EngineInstance, VllmFlags
from provision.planner import memory


def simulate_engine(wanted: EngineInstance, catalog: Catalog, lab: LabModel) -> EngineInstance:
    """The instance that really runs in the lab, on the cards that were chosen for the wanted model.

    A simulated card shows the resident memory of the processes that were given it; a process with several cards
    is counted on them in the shares of its tensor split. Nothing is simulated where the wanted model is the lab's
    own and there is no card.
    """
    if wanted.vllm is not None:
        return _simulate_vllm(wanted, wanted.vllm, lab)
    entry = catalog.models.get(lab.id)
    if entry is None:
        raise PlanError(
            f"the lab's model '{lab.id}' is not in the catalogue",
            where="catalogue, models",
            hint="add its hyper-parameters to the catalogue",
        )
    shape = entry.architecture
    context = min(wanted.context_tokens // wanted.parallel, lab.max_context, shape.max_context)
    serving = Serving(context=context, parallel=wanted.parallel, kv=wanted.kv, backend="cpu")
    kv = sum(memory.cache_bytes(shape, serving)) / 2**20
    return wanted.model_copy(
        update={
            "model": entry.id,
            "quant": lab.quant,
            "model_file": lab.file,
            "simulated": bool(wanted.cards) or wanted.wanted_model != entry.id,
            "context_tokens": context * wanted.parallel,
            "gpu_layers": shape.layers + 1 if wanted.cards else 0,
            "batch": serving.ubatch if wanted.embeddings else wanted.batch,
            "ubatch": serving.ubatch,
            # The stand-in is no encoder: its file does not say how its outputs become one vector.
            "pooling": "mean" if wanted.embeddings else "model",
            "threads": lab.threads,
            "ollama": wanted.ollama and wanted.ollama.model_copy(update={"context_length": context}),
            "cards": _share(wanted, [lab.weights_mib, kv, lab.compute_mib, lab.process_overhead_mib]),
            "host_mib": lab.weights_mib + ceil(kv) + lab.compute_mib + lab.process_overhead_mib,
            "decode_bound_tok_s": None,
        }
    )


def _simulate_vllm(wanted: EngineInstance, flags: VllmFlags, lab: LabModel) -> EngineInstance:
    """vLLM's own CPU build with a tiny checkpoint: one process, whatever the tensor parallelism was to be."""
    tiny = lab.checkpoint
    context = min(flags.max_model_len, tiny.max_context)
    kv_mib = tiny.kv_gib * 1024
    lowered = flags.model_copy(
        update={
            "tensor_parallel": 1,
            "gpu_memory_utilization": None,
            "max_model_len": context,
            # vLLM refuses a batch that is smaller than the context.
            "max_num_batched_tokens": max(context, flags.max_num_batched_tokens),
            "kv_cache_dtype": "auto",
            "quantization": None,
            "cpu_kv_gib": tiny.kv_gib,
        }
    )
    return wanted.model_copy(
        update={
            "model": tiny.id,
            "quant": tiny.quant,
            "model_file": f"{tiny.id}-{tiny.quant}",
            "simulated": True,
            "context_tokens": context * wanted.parallel,
            "threads": lab.threads,
            "vllm": lowered,
            "cards": _share(wanted, [tiny.weights_mib, kv_mib, 0, tiny.process_mib]),
            "host_mib": tiny.weights_mib + kv_mib + tiny.process_mib,
            "decode_bound_tok_s": None,
        }
    )


def _share(wanted: EngineInstance, parts: Sequence[float]) -> tuple[CardBudget, ...]:
    """`parts`: MiB of weights, cache, compute buffers and the rest, shared out as the model was to be."""
    shares = wanted.tensor_split or (1.0,) * len(wanted.cards)
    budgets = []
    for budget, share in zip(wanted.cards, shares, strict=True):
        weights, cache, compute, overhead = (ceil(part * share / sum(shares)) for part in parts)
        budgets.append(
            CardBudget(
                card=budget.card,
                weights_mib=weights,
                kv_mib=cache,
                compute_mib=compute,
                overhead_mib=overhead,
                total_mib=weights + cache + compute + overhead,
            )
        )
    return tuple(budgets)
