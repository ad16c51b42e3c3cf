"""vLLM's memory plan: it takes `utilisation` of each card's CUDA total and fills with KV blocks what is left.

Source: vllm/v1/worker/gpu_worker.py (`determine_available_memory`): KV = utilisation * total - weights - activations'
peak - non-torch memory, and since v0.21 - the estimate of the CUDA graphs. All cards get the blocks of the poorest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from provision.errors import PlanError
from provision.models.architecture import Architecture, Serving, Weights
from provision.models.base import Frozen
from provision.planner.memory_vllm import capacity
from provision.planner.memory_vllm.data import KvLayout, VllmCard, VllmCardPlan, VllmPlan, VllmSettings
from provision.planner.memory_vllm.groups import lay_out_cache
from provision.planner.memory_vllm.runtime import activation_bytes, graphs_bytes, non_torch_mib, outside_mib
from provision.planner.memory_vllm.weights import check_division, weight_bytes_per_card

_MIB = 2**20


def plan_vllm(
    architecture: Architecture,
    weight_bytes: Weights,
    serving: Serving,
    cards: Sequence[VllmCard],
    settings: VllmSettings | None = None,
) -> VllmPlan:
    """The plan for `serving` on `cards`, one per rank of the tensor parallelism.

    Raises PlanError where vLLM refuses: cards that do not match --tensor-parallel-size, a division that does not come
    out even, a KV format that it does not have.
    """
    settings = settings or VllmSettings()
    if len(cards) != serving.tensor_parallel:
        raise PlanError(
            f"{len(cards)} cards for a tensor parallelism of {serving.tensor_parallel}",
            where="tensor-parallel",
            hint="name as many cards as --tensor-parallel says",
        )
    check_division(architecture, len(cards))
    layout = lay_out_cache(architecture, serving, settings)
    terms = Terms(
        weights_mib=ceil(weight_bytes_per_card(architecture, weight_bytes, len(cards)) / _MIB),
        activation_mib=ceil(activation_bytes(architecture, serving) / _MIB),
        graphs_mib=ceil(graphs_bytes(architecture, serving) / _MIB) if settings.graphs else 0,
        non_torch_mib=non_torch_mib(cards),
    )
    return _fill(architecture, serving, cards, layout, terms, graphs_in_budget=settings.graphs_in_budget)


class Terms(Frozen):
    """MiB that each card takes beside the cache."""

    weights_mib: int
    activation_mib: int
    graphs_mib: int
    non_torch_mib: int


def kv_budget_mib(card: VllmCard, utilisation: float, terms: Terms, *, graphs_in_budget: bool) -> float:
    """What is left for the cache, MiB; negative where the rest does not fit ("Available KV cache memory")."""
    rest = terms.weights_mib + terms.activation_mib + terms.non_torch_mib
    return card.total_mib * utilisation - rest - (terms.graphs_mib if graphs_in_budget else 0)


def _fill(
    architecture: Architecture,
    serving: Serving,
    cards: Sequence[VllmCard],
    layout: KvLayout,
    terms: Terms,
    *,
    graphs_in_budget: bool,
) -> VllmPlan:
    budget = min(kv_budget_mib(card, serving.utilisation, terms, graphs_in_budget=graphs_in_budget) for card in cards)
    blocks = capacity.count_blocks(layout, budget * _MIB)
    concurrency = capacity.concurrency_at(layout, blocks, serving.context, serving.ubatch)
    need = capacity.blocks_per_request(layout, serving.context, serving.ubatch)
    plans = tuple(_describe(card, cards, serving.utilisation, blocks * layout.block_bytes, terms) for card in cards)
    reasons = _refusals(serving, cards, plans, budget, need, blocks)
    slots = (
        ""
        if need * serving.parallel <= blocks
        else (
            f"{serving.parallel} slots of {serving.context} tokens need {need * serving.parallel} blocks of KV cache, "
            f"there are {blocks}: requests wait"
        )
    )
    return VllmPlan(
        cards=plans,
        kv_budget_mib=max(0, int(budget)),
        kv_block_bytes=layout.block_bytes,
        kv_bytes_per_token=capacity.bytes_per_token(layout),
        kv_blocks=blocks,
        kv_tokens=int(concurrency * serving.context),
        concurrency=round(concurrency, 2),
        max_context_tokens=0
        if budget < 0
        else capacity.largest_context(
            layout, blocks, slots=serving.parallel, batched=serving.ubatch, limit=architecture.max_context
        ),
        starts=not reasons,
        holds_all_slots=not reasons and not slots,
        reasons=(*reasons, *([slots] if slots and not reasons else [])),
    )


def _describe(
    card: VllmCard, cards: Sequence[VllmCard], utilisation: float, kv_bytes: int, terms: Terms
) -> VllmCardPlan:
    kv, outside = ceil(kv_bytes / _MIB), outside_mib(card, cards)
    idle = terms.weights_mib + kv + terms.graphs_mib + terms.non_torch_mib + outside
    return VllmCardPlan(
        index=card.index,
        weights_mib=terms.weights_mib,
        kv_mib=kv,
        activation_mib=terms.activation_mib,
        graphs_mib=terms.graphs_mib,
        non_torch_mib=terms.non_torch_mib,
        outside_mib=outside,
        budget_mib=int(card.total_mib * utilisation),
        idle_mib=idle,
        total_mib=idle + terms.activation_mib,
        usable_mib=card.total_mib,
    )


def _refusals(
    serving: Serving, cards: Sequence[VllmCard], plans: Sequence[VllmCardPlan], budget: float, need: int, blocks: int
) -> list[str]:
    """Why vLLM would not start, in words. It checks free memory first, then that one whole request fits."""
    reasons = []
    for card, plan in zip(cards, plans, strict=True):
        free = card.total_mib - plan.outside_mib - card.taken_mib
        if plan.budget_mib > free:
            reasons.append(
                f"card {card.index} has {free} MiB free at the start, --gpu-memory-utilization "
                f"{serving.utilisation} wants {plan.budget_mib} MiB"
            )
    if budget < 0:
        reasons.append(
            f"weights, activations and buffers pass the budget by {ceil(-budget)} MiB: nothing is left for KV"
        )
    elif need > blocks:
        reasons.append(f"one request of {serving.context} tokens needs {need} blocks of KV cache, there are {blocks}")
    return reasons
