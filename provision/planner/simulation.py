"""In the lab a small real model stands for a large one, and its process's memory is what a simulated card shows."""

from __future__ import annotations

from math import ceil

from provision.errors import PlanError
from provision.models.architecture import Serving
from provision.models.catalog import Catalog
from provision.models.lab import LabModel
from provision.models.plan import CardBudget, EngineInstance
from provision.planner import memory


def simulate_engine(wanted: EngineInstance, catalog: Catalog, lab: LabModel) -> EngineInstance:
    """The instance that really runs in the lab, on the cards that were chosen for the wanted model.

    A simulated card shows the resident memory of the processes that were given it; a process with several cards
    is counted on them in the shares of its tensor split. Nothing is simulated where the wanted model is the lab's
    own and there is no card.
    """
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
            "cards": _share(wanted, lab, kv),
            "host_mib": lab.weights_mib + ceil(kv) + lab.compute_mib + lab.process_overhead_mib,
            "decode_bound_tok_s": None,
        }
    )


def _share(wanted: EngineInstance, lab: LabModel, kv: float) -> tuple[CardBudget, ...]:
    shares = wanted.tensor_split or (1.0,) * len(wanted.cards)
    budgets = []
    for budget, share in zip(wanted.cards, shares, strict=True):
        parts = [lab.weights_mib, kv, lab.compute_mib, lab.process_overhead_mib]
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
