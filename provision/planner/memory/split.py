"""What each card and the host hold when the engine has dealt a model's layers over the cards.

Source: src/llama-model.cpp (`load_tensors`: split points, the output layer counts as one more layer, input tensors on
the host), src/llama-kv-cache.cpp (a cache lies where its layer lies) of the pinned llama.cpp build.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from provision.models.architecture import Architecture, Serving, Weights
from provision.models.base import Frozen
from provision.planner.memory.cache import cache_bytes
from provision.planner.memory.compute import compute_bytes

_MIB = 2**20


class CardMemory(Frozen):
    """What one card holds, MiB, each part rounded up; `total_mib` is their sum. `layers` counts the output layer."""

    layers: int
    weights_mib: int
    kv_mib: int
    compute_mib: int
    overhead_mib: int
    total_mib: int


class Placement(Frozen):
    """A model on its cards, and what stays in the host's memory, MiB."""

    cards: tuple[CardMemory, ...]
    host_mib: int


def place(
    architecture: Architecture,
    weights: Weights,
    serving: Serving,
    shares: Sequence[float] = (),
    overheads_mib: Sequence[int] = (),
) -> Placement:
    """Deal a model over cards in these shares (`--tensor-split`), one overhead per card (CUDA's context and kernels).

    No shares: everything on the host. `serving.backend` must say `cuda` with cards. Raises KeyError for a family whose
    graph is not known (`compute.GRAPHS`) and for a KV format that llama.cpp does not have, ValueError where shares and
    overheads differ in number.
    """
    caches = cache_bytes(architecture, serving)
    if not shares:
        host, _ = compute_bytes(architecture, serving)
        return Placement(cards=(), host_mib=_mib(_all_weights(architecture, weights) + sum(caches) + host))
    owners = deal_layers(architecture.layers, shares)
    host, buffers = compute_bytes(architecture, serving, owners)
    parts = (*weights.layer_bytes, weights.output_bytes)
    cards = []
    for card, (buffer, overhead) in enumerate(zip(_fill(buffers, len(shares)), overheads_mib, strict=True)):
        mine = [layer for layer, owner in enumerate(owners) if owner == card]
        sizes = (
            sum(parts[layer] for layer in mine),
            sum(caches[layer] for layer in mine if layer < architecture.layers),
            buffer,
        )
        weights_mib, kv_mib, compute_mib = map(_mib, sizes)
        cards.append(
            CardMemory(
                layers=len(mine),
                weights_mib=weights_mib,
                kv_mib=kv_mib,
                compute_mib=compute_mib,
                overhead_mib=overhead,
                total_mib=weights_mib + kv_mib + compute_mib + overhead,
            )
        )
    return Placement(cards=tuple(cards), host_mib=_mib(weights.input_bytes + host))


def deal_layers(layers: int, shares: Sequence[float]) -> tuple[int, ...]:
    """The card of each layer, and of the output layer at the end, in the engine's single-precision arithmetic."""
    totals = list(accumulate((_single(share) for share in shares), lambda total, share: _single(total + share)))
    bounds = [_single(total / totals[-1]) for total in totals]
    return tuple(
        min(bisect_right(bounds, _single(layer / (layers + 1))), len(shares) - 1) for layer in range(layers + 1)
    )


def _fill(buffers: tuple[int, ...], cards: int) -> tuple[int, ...]:
    """Cards behind the last one that got a layer have no buffer."""
    return buffers + (0,) * (cards - len(buffers))


def _all_weights(architecture: Architecture, weights: Weights) -> int:
    """On the host a tied table is there once."""
    output = weights.output_bytes
    if architecture.tied_embeddings and not architecture.encoder:
        output -= weights.input_bytes
    return weights.input_bytes + sum(weights.layer_bytes) + output


def _single(value: float) -> float:
    (rounded,) = struct.unpack("f", struct.pack("f", value))
    return float(rounded)


def _mib(size: int) -> int:
    return -(-size // _MIB)
