"""What a model takes in memory under llama.cpp: a first budget, refined by the engine's own allocator later.

Sources: llama.cpp src/llama-model.cpp (layer split), src/llama-kv-cache-iswa.cpp (sliding-window cells), PR #15860
(two RTX 4090: 451 to 456 MiB of context per card, 985 against 548 MiB of compute on the first and second card).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import ceil

from provision.models.base import Frozen
from provision.models.catalog import ModelEntry
from provision.models.plan import Card, CardBudget
from provision.models.profile import KvType

UBATCH = 512
"""llama.cpp's own default of `--ubatch-size`, passed explicitly."""

_MIB = 2**20
_KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
"""Bytes per element: ggml's block_q8_0 is 34 bytes for 32 values, block_q4_0 18 bytes."""
_CELL_PADDING = 256
_FIRST_OF_SEVERAL_MIB = 400
"""Input copies of the pipeline on the first of several cards (985 against 548 MiB, llama.cpp PR #15860)."""
_HOST_PROCESS_MIB = 512
"""Code, tokenizer, CUDA host buffers and prompt state of a server process: an assumption, not measured."""


class Demand(Frozen):
    """One model as it shall be served. `context` is in tokens per slot, `file_mib` the size of its file."""

    entry: ModelEntry
    file_mib: int
    context: int
    parallel: int
    kv: KvType
    ubatch: int = UBATCH


def room_of(card: Card) -> int:
    """MiB that models may take on a card: what CUDA offers less max(1024 MiB, 3 %), llama.cpp's `--fit-target`."""
    return max(0, card.usable_mib - max(1024, ceil(card.usable_mib * 0.03)))


def split_layers(layers: int, shares: Sequence[float]) -> tuple[range, ...]:
    """The layers of each card as llama.cpp's layer split deals them; index `layers` is the output layer."""
    total = sum(shares)
    bounds = [share / total for share in accumulate(shares)]
    owners = [min(bisect_right(bounds, index / (layers + 1)), len(shares) - 1) for index in range(layers + 1)]
    starts = [owners.index(card) if card in owners else None for card in range(len(shares))]
    return tuple(
        range(start, start + owners.count(card)) if start is not None else range(0) for card, start in enumerate(starts)
    )


def kv_mib(demand: Demand, layers: range, *, context: int | None = None, parallel: int | None = None) -> float:
    """KV cache of some layers over all slots, MiB: kv_heads * 2 * head_dim * cells * bytes per element, per layer.

    A sliding-window layer keeps pad256(min(context, window + ubatch)) cells per slot, the others pad256(context).
    """
    entry = demand.entry
    context = _pad(context or demand.context)
    cells = 0
    for layer in layers:
        if layer >= entry.layers:
            continue
        full = entry.sliding_window is None or _is_full(entry, layer)
        cells += context if full else _pad(min(context, (entry.sliding_window or 0) + demand.ubatch))
    per_cell = entry.kv_heads * 2 * entry.head_dim * _KV_BYTES[demand.kv]
    return cells * (parallel or demand.parallel) * per_cell / _MIB


def weights_mib(demand: Demand, layers: range) -> float:
    """Weights of some layers, MiB. The output layer is as large as the embedding table, the others equal."""
    table = table_mib(demand)
    entry = demand.entry
    per_layer = (demand.file_mib - table * (1 if entry.tied_embeddings else 2)) / entry.layers
    return sum(table if layer == entry.layers else per_layer for layer in layers)


def table_mib(demand: Demand) -> float:
    """The token embedding table, MiB, at the file's mean bits per weight. llama.cpp keeps it in the host's memory."""
    entry = demand.entry
    share = entry.vocabulary * entry.embedding / (entry.parameters_b * 1e9)
    return demand.file_mib * min(share, 0.9 if entry.tied_embeddings else 0.45)


def compute_mib(demand: Demand, *, first_of_several: bool = False) -> int:
    """Compute buffer of one card with flash attention, MiB: logits and activations of a ubatch, and the mask.

    An estimate: f32 logits, four f32 activations of the embedding's width, and the mask as f32 and f16.
    """
    entry = demand.entry
    per_token = 4 * entry.vocabulary + 16 * entry.embedding + 6 * demand.context
    return ceil(demand.ubatch * per_token / _MIB) + (_FIRST_OF_SEVERAL_MIB if first_of_several else 0)


def share_room(demand: Demand, free: Sequence[int], overheads: Sequence[int]) -> tuple[float, ...]:
    """`--tensor-split` in proportion to what each card has left for layers, to three digits."""
    several = len(free) > 1
    left = [
        max(1, room - overhead - compute_mib(demand, first_of_several=several and position == 0))
        for position, (room, overhead) in enumerate(zip(free, overheads, strict=True))
    ]
    return tuple(max(0.001, round(room / sum(left), 3)) for room in left)


def budget_cards(
    demand: Demand, cards: Sequence[Card], overheads: Sequence[int], shares: Sequence[float]
) -> tuple[CardBudget, ...]:
    """What each card holds when the model is split by layers in these shares."""
    budgets = []
    for position, layers in enumerate(split_layers(demand.entry.layers, shares)):
        weights, kv = ceil(weights_mib(demand, layers)), ceil(kv_mib(demand, layers))
        compute = compute_mib(demand, first_of_several=position == 0 and len(cards) > 1)
        budgets.append(
            CardBudget(
                card=cards[position].index,
                weights_mib=weights,
                kv_mib=kv,
                compute_mib=compute,
                overhead_mib=overheads[position],
                total_mib=weights + kv + compute + overheads[position],
            )
        )
    return tuple(budgets)


def host_mib(demand: Demand, *, on_cards: bool) -> int:
    """Memory expected in the host's RAM: the embedding table beside cards, everything without them."""
    if on_cards:
        return ceil(table_mib(demand)) + _HOST_PROCESS_MIB
    kv = kv_mib(demand, range(demand.entry.layers))
    return demand.file_mib + ceil(kv) + compute_mib(demand) + _HOST_PROCESS_MIB


def bound_decoding(demand: Demand, cards: Sequence[Card], shares: Sequence[float]) -> float:
    """Upper bound of single-stream decoding, tokens/s: no token comes before each active weight was read once.

    The cards of a layer split work one after the other, so their times add up. The KV cache is counted at its
    smallest, 256 cells, so that no measurement on a short prompt can pass the bound.
    """
    active = min(1.0, demand.entry.active_parameters_b / demand.entry.parameters_b)
    seconds = 0.0
    for card, layers in zip(cards, split_layers(demand.entry.layers, shares), strict=True):
        kv = kv_mib(demand, layers, context=_CELL_PADDING, parallel=1)
        seconds += (weights_mib(demand, layers) * active + kv) * _MIB / (card.bandwidth_gb_s * 1e9)
    return round(1 / seconds, 1)


def _is_full(entry: ModelEntry, layer: int) -> bool:
    return entry.full_attention_every is not None and (layer + 1) % entry.full_attention_every == 0


def _pad(cells: int) -> int:
    return -(-cells // _CELL_PADDING) * _CELL_PADDING
