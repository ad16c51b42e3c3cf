"""One model as it shall be served, and what that takes of the cards it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import ceil, floor

from provision.models.architecture import Architecture, Engine, Serving, Weights
from provision.models.base import Frozen
from provision.models.catalog import GpuEntry, ModelEntry, Quant
from provision.models.fit import Verdict
from provision.models.plan import Card, CardBudget
from provision.models.profile import WorkloadModel
from provision.planner import memory
from provision.planner.memory_vllm import VllmCard, outside_mib, plan_vllm

RESERVE_MIB = 1024
RESERVE_SHARE = 0.03
HOST_PROCESS_MIB = 512
"""Code, tokenizer, CUDA host buffers and prompt state of a llama.cpp server: an assumption, not measured."""
VLLM_HOST_MIB = 4096
"""Memory of vLLM's processes on the host: an assumption; 2.85 GB were seen of its CPU build with a tiny model."""
ENGINE_NAMES: dict[str, Engine] = {"llama_cpp": "llama.cpp", "ollama": "ollama", "vllm": "vllm"}
"""Service names of profiles, and the engines' own names."""
VLLM_BATCHED_TOKENS = 2048
"""--max-num-batched-tokens that a plan passes: a larger batch reads prompts faster and leaves fewer KV blocks."""


class Demand(Frozen):
    """`model` is its name in messages."""

    model: str
    quant: str
    architecture: Architecture
    weights: Weights
    serving: Serving

    def served(self, **changes: object) -> Demand:
        """The same model, served otherwise."""
        return self.model_copy(update={"serving": self.serving.model_copy(update=changes)})


class Placed(Frozen):
    """A demand on cards, in the order of the split; without cards, all of it is in the host's memory.

    `reasons` say why it is tight or impossible, where the numbers of the cards alone do not.
    """

    verdict: Verdict
    shares: tuple[float, ...]
    budgets: tuple[CardBudget, ...]
    host_mib: int
    reasons: tuple[str, ...] = ()


def demand_of(entry: ModelEntry, model: WorkloadModel, *, on_cards: bool) -> Demand:
    """A profile's model. An encoder reads its whole input as one batch."""
    shape, engine = entry.architecture, ENGINE_NAMES[model.engine]
    usual = VLLM_BATCHED_TOKENS if engine == "vllm" else Serving().ubatch
    return Demand(
        model=entry.id,
        quant=model.quant,
        architecture=shape,
        weights=weigh_file(entry, model.quant, engine),
        serving=Serving(
            engine=engine,
            context=model.context,
            parallel=model.parallel,
            kv=model.kv,
            ubatch=model.context if shape.encoder else usual,
            backend="cuda" if on_cards else "cpu",
        ),
    )


def list_files(entry: ModelEntry, engine: Engine) -> tuple[Quant, ...]:
    """The files of a model that an engine loads: safetensors for vLLM, GGUF for the others."""
    return entry.checkpoints if engine == "vllm" else entry.quants


def weigh_file(entry: ModelEntry, quant: str, engine: Engine) -> Weights:
    """The weights of one of a model's files. A GGUF may be in any mixture that llama.cpp's quantiser knows."""
    if engine != "vllm":
        return memory.weigh(entry.architecture, quant)
    size = next(file.file_bytes for file in entry.checkpoints if file.name == quant)
    return weigh_checkpoint(entry.architecture, size)


def weigh_checkpoint(architecture: Architecture, total: int | None) -> Weights:
    """Safetensors of `total` bytes in all (None: bf16): in the proportions of bf16, since a quantised checkpoint's
    tensors are not listed. A tied table is in the file once."""
    weights = memory.weigh(architecture, "bf16")
    if total is None:
        return weights
    share = total / (weights.placed_bytes - (weights.input_bytes if architecture.tied_embeddings else 0))
    return Weights(
        input_bytes=round(weights.input_bytes * share),
        layer_bytes=tuple(round(size * share) for size in weights.layer_bytes),
        output_bytes=round(weights.output_bytes * share),
        active_bytes=round(weights.active_bytes * share),
    )


def reserve_of(card: Card) -> int:
    """MiB that a plan leaves free on a card: max(1024 MiB, 3 %), as llama.cpp's `--fit-target` does."""
    return max(RESERVE_MIB, ceil(card.usable_mib * RESERVE_SHARE))


def room_of(card: Card) -> int:
    """MiB that models may take on a card."""
    return max(0, card.usable_mib - reserve_of(card))


def place(demand: Demand, cards: Sequence[Card], gpus: Mapping[str, GpuEntry], free: Mapping[int, int]) -> Placed:
    """Put a model on cards. `free` has the MiB left on each card by its index, without the reserve.

    Raises PlanError where vLLM cannot divide the model by the number of cards.
    """
    if demand.serving.engine == "vllm":
        return _place_vllm(demand, cards, gpus, free)
    contexts = [gpus[card.model].context_overhead_mib for card in cards]
    shares = _share_room(demand, [free[card.index] for card in cards], contexts)
    held = memory.place(demand.architecture, demand.weights, demand.serving, shares, contexts)
    budgets = tuple(
        CardBudget(
            card=card.index,
            weights_mib=part.weights_mib,
            kv_mib=part.kv_mib,
            compute_mib=part.compute_mib,
            overhead_mib=part.overhead_mib,
            total_mib=part.total_mib,
        )
        for card, part in zip(cards, held.cards, strict=True)
    )
    over = {card.index: b.total_mib - free[card.index] for card, b in zip(cards, budgets, strict=True)}
    within = all(over[card.index] <= reserve_of(card) for card in cards)
    verdict: Verdict = "fits" if all(excess <= 0 for excess in over.values()) else "tight" if within else "no"
    host_mib = held.host_mib + HOST_PROCESS_MIB + _encoder_outputs_mib(demand)
    return Placed(verdict=verdict, shares=shares, budgets=budgets, host_mib=host_mib)


def _encoder_outputs_mib(demand: Demand) -> int:
    """What an encoder's server takes on the host at its first long text, MiB: a row of logits and one of the vector per
    token, in f32, though nobody reads the logits.

    Source: src/llama-context.cpp (`output_reserve`) of the pinned build; measured with bge-m3: 2038 MiB at 2048 tokens,
    8261 MiB at 8192.
    """
    shape = demand.architecture
    if not shape.encoder:
        return 0
    return ceil((shape.vocabulary + shape.embedding) * demand.serving.ubatch * 4 / 2**20)


def place_alone(demand: Demand, cards: Sequence[Card], gpus: Mapping[str, GpuEntry]) -> Placed:
    """On cards that hold nothing else."""
    return place(demand, cards, gpus, {card.index: room_of(card) for card in cards})


def fill_cards(cards: Sequence[Card], gpus: Mapping[str, GpuEntry], free: Mapping[int, int]) -> float:
    """--gpu-memory-utilization that fills what is left of the fullest card and leaves the reserve, to two digits.

    vLLM takes that share of CUDA's total at its start, beside what is there before it counts, and puts into KV blocks
    what weights and buffers leave of it.
    """
    asked = _ask_vllm(cards, gpus, free)
    left = [
        (free[card.index] - outside_mib(each, asked)) / card.usable_mib for card, each in zip(cards, asked, strict=True)
    ]
    return max(0.0, floor(min(left) * 100) / 100)


def _place_vllm(demand: Demand, cards: Sequence[Card], gpus: Mapping[str, GpuEntry], free: Mapping[int, int]) -> Placed:
    """vLLM fills its budget with KV blocks: it fits where all slots may be full at once, else requests wait."""
    if not cards:
        return _place_vllm_on_cpu(demand)
    asked = _ask_vllm(cards, gpus, free)
    serving = demand.serving.model_copy(update={"tensor_parallel": len(cards)})
    plan = plan_vllm(demand.architecture, demand.weights, serving, asked)
    return Placed(
        verdict="fits" if plan.holds_all_slots else "tight" if plan.starts else "no",
        shares=(1 / len(cards),) * len(cards),
        budgets=tuple(
            CardBudget(
                card=part.index,
                weights_mib=part.weights_mib,
                kv_mib=part.kv_mib,
                compute_mib=part.activation_mib + part.graphs_mib,
                overhead_mib=part.non_torch_mib + part.outside_mib,
                total_mib=part.total_mib,
            )
            for part in plan.cards
        ),
        host_mib=VLLM_HOST_MIB,
        reasons=plan.reasons,
    )


def _ask_vllm(cards: Sequence[Card], gpus: Mapping[str, GpuEntry], free: Mapping[int, int]) -> list[VllmCard]:
    return [
        VllmCard(
            index=card.index,
            total_mib=card.usable_mib,
            context_mib=gpus[card.model].context_overhead_mib,
            nvlink=has_nvlink(gpus[card.model]),
            taken_mib=room_of(card) - free[card.index],
        )
        for card in cards
    ]


def _place_vllm_on_cpu(demand: Demand) -> Placed:
    """All in the host's memory: the weights and VLLM_CPU_KVCACHE_SPACE."""
    weights = ceil(demand.weights.placed_bytes / 2**20)
    return Placed(verdict="fits", shares=(), budgets=(), host_mib=weights + cpu_kv_gib(demand) * 1024 + VLLM_HOST_MIB)


def cpu_kv_gib(demand: Demand) -> int:
    """VLLM_CPU_KVCACHE_SPACE, whole GiB: all slots full at once. The cache is f16 there, whatever is asked for."""
    return max(1, ceil(sum(memory.cache_bytes(demand.architecture, demand.served(kv="f16").serving)) / 2**30))


def has_nvlink(gpu: GpuEntry) -> bool:
    return gpu.interconnect is not None and gpu.interconnect.nvlink is not None


def _share_room(demand: Demand, free: Sequence[int], contexts: Sequence[int]) -> tuple[float, ...]:
    """`--tensor-split` in proportion to what each card has left for layers, to three digits.

    What its compute buffer takes depends on the split; so it is asked of a first one, which leaves it out.
    """
    if not free:
        return ()
    left = [max(1, room - context) for room, context in zip(free, contexts, strict=True)]
    if len(left) > 1:
        owners = memory.deal_layers(demand.architecture.layers, _in_shares(left))
        _, buffers = memory.compute_bytes(demand.architecture, demand.serving, owners)
        # A card that got no layer at all has no buffer either.
        left = [max(1, room - -(-size // 2**20)) for room, size in zip_longest(left, buffers, fillvalue=0)]
    return _in_shares(left)


def _in_shares(left: Sequence[int]) -> tuple[float, ...]:
    return tuple(max(0.001, round(room / sum(left), 3)) for room in left)
