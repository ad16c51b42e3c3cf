"""A placed model's speed: what `provision.planner.speed` needs, read off a demand and its cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.models.catalog import GpuEntry
from provision.models.fit import LoadTime, Rate, UsersAt
from provision.models.plan import Card
from provision.planner import memory, speed
from provision.planner.demand import Demand, Placed

RATES_TOK_S = (10, 20, 40)
"""Tokens/s per user that `fit` counts users for: reading speed, brisk, and an agent's."""
_SHORT = 256
"""Tokens of context that a bound counts: the smallest cache, so that no measurement on a short prompt passes it."""
_MIB = 2**20


def bound_decoding(demand: Demand, cards: Sequence[Card], placed: Placed) -> float | None:
    """Upper bound of single-stream decoding on a short prompt, tokens/s; None without a card or for an encoder."""
    rate = decode_rate(demand, cards, placed)
    return rate.bound if rate else None


def decode_rate(demand: Demand, cards: Sequence[Card], placed: Placed) -> Rate | None:
    """Of one user on a short prompt, tokens/s; None without a card, and for an encoder, which writes no text."""
    if not cards or demand.architecture.encoder:
        return None
    return speed.decode_rate(_stages(demand, cards, placed, _SHORT), _split(demand), _share(demand))


def prefill_rate(demand: Demand, gpus: Mapping[str, GpuEntry], cards: Sequence[Card]) -> Rate | None:
    """Of prompts, tokens/s; None where a card's TFLOPS are not known."""
    tflops = [gpus[card.model].bf16_tflops for card in cards]
    known = [value for value in tflops if value is not None]
    if not known or len(known) < len(tflops):
        return None
    return speed.prefill_rate(known, _active_parameters(demand))


def load_time(cards: Sequence[Card], placed: Placed, gpus: Mapping[str, GpuEntry]) -> LoadTime | None:
    """Seconds at the least; None where a card's link is not known."""
    parts = []
    for card, budget in zip(cards, placed.budgets, strict=True):
        link = gpus[card.model].interconnect
        if link is None:
            return None
        parts.append(speed.LoadPart(weight_bytes=budget.weights_mib * _MIB, pcie_gb_s=link.pcie_gb_s))
    return speed.load_time(parts)


def count_users(
    demand: Demand, cards: Sequence[Card], placed: Placed, gpus: Mapping[str, GpuEntry]
) -> tuple[UsersAt, ...]:
    """Users at once with full contexts, no more than there are slots, for each of `RATES_TOK_S`."""
    if not cards or demand.architecture.encoder:
        return ()
    stages = _stages(demand, cards, placed, demand.serving.context)
    return tuple(
        speed.count_users(
            stages,
            _split(demand),
            _share(demand),
            tok_s,
            limit=demand.serving.parallel,
            mixture=_mixture(demand, placed),
            compute=prefill_rate(demand, gpus, cards),
        )
        for tok_s in RATES_TOK_S
    )


def _stages(demand: Demand, cards: Sequence[Card], placed: Placed, context: int) -> list[speed.Stage]:
    """Each card's part of a token. The cache goes with the layers, so it is shared as the weights are."""
    weights = demand.weights
    active = weights.active_bytes / max(1, sum(weights.layer_bytes) + weights.output_bytes)
    one = demand.serving.model_copy(update={"context": context, "parallel": 1, "kv": _llama_format(demand)})
    cache = sum(memory.cache_bytes(demand.architecture, one))
    held = sum(budget.weights_mib for budget in placed.budgets)
    return [
        speed.Stage(
            bandwidth_gb_s=card.bandwidth_gb_s,
            weight_bytes=budget.weights_mib * _MIB * active,
            kv_bytes=cache * budget.weights_mib / max(1, held),
        )
        for card, budget in zip(cards, placed.budgets, strict=True)
    ]


def _llama_format(demand: Demand) -> str:
    """fp8 takes a byte per value; q8_0's 34/32 bytes is the nearest format of llama.cpp."""
    return "q8_0" if demand.serving.kv == "fp8" else demand.serving.kv


def _split(demand: Demand) -> speed.Split:
    return "tensor" if demand.serving.engine == "vllm" else "layers"


def _share(demand: Demand) -> float:
    return speed.expected_share(_active_parameters(demand), experts=demand.architecture.experts is not None)


def _active_parameters(demand: Demand) -> float:
    """What a token passes, without the embedding table: half of its bytes as f16."""
    return memory.weigh(demand.architecture, "f16").active_bytes / 2


def _mixture(demand: Demand, placed: Placed) -> speed.Mixture | None:
    experts = demand.architecture.experts
    if experts is None:
        return None
    total = sum(budget.weights_mib for budget in placed.budgets) * _MIB
    return speed.Mixture(count=experts.count, used=experts.used, total_bytes=total)
