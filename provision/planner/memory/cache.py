"""What a model keeps between tokens: keys and values per cell, states per sequence.

Source: src/llama-context.cpp (cells per sequence), src/llama-kv-cache.cpp, src/llama-kv-cache-iswa.cpp,
src/llama-kv-cache-dsv4.cpp, src/llama-memory-recurrent.cpp of the pinned llama.cpp build, with `--no-kv-unified`: each
slot has cells of its own, as llama-fit-params counts them and llama-server allocates them.
"""

from __future__ import annotations

from functools import lru_cache

from provision.models.architecture import Architecture, CompressedAttention, Serving, StateSpace
from provision.planner.memory.ggml import GgmlType, row_bytes
from provision.planner.memory.layers import compression, is_recurrent, is_windowed, required

BATCH = 2048
"""llama.cpp's own `--batch-size`; a larger ubatch needs a batch of its size."""
PADDING = 256

_F32 = 4
KV_TYPES: dict[str, GgmlType] = {"f16": "f16", "q8_0": "q8_0", "q4_0": "q4_0"}
"""The formats of `Serving.kv` that llama.cpp has."""


def pad(value: int, to: int = PADDING) -> int:
    return -(-value // to) * to


def cells_per_slot(serving: Serving) -> int:
    """Cells of one slot's full cache: llama.cpp pads the whole context, then each slot's share, to 256."""
    return pad(pad(serving.context * serving.parallel) // serving.parallel)


def ubatch_of(architecture: Architecture, serving: Serving) -> int:
    """Tokens of one compute batch: no more than all slots' context, which only a causal model's is not padded for."""
    if architecture.encoder:
        return min(serving.ubatch, cells_per_slot(serving) * serving.parallel)
    return min(serving.ubatch, serving.context * serving.parallel)


def window_cells(architecture: Architecture, serving: Serving) -> int:
    """Cells of one slot's sliding-window or chunked cache."""
    needed = required(architecture.window).tokens + ubatch_of(architecture, serving)
    return pad(min(cells_per_slot(serving), needed))


@lru_cache(maxsize=4096)
def cache_bytes(architecture: Architecture, serving: Serving) -> tuple[int, ...]:
    """Bytes of each layer's cache over all slots. Raises KeyError for a KV format that llama.cpp lacks."""
    if architecture.encoder:
        return (0,) * architecture.layers
    return tuple(serving.parallel * _slot_bytes(architecture, serving, layer) for layer in range(architecture.layers))


def _slot_bytes(architecture: Architecture, serving: Serving, layer: int) -> int:
    kind = KV_TYPES[serving.kv]
    if architecture.state_space and is_recurrent(architecture, layer):
        return state_bytes(architecture.state_space)
    if architecture.compressed:
        return _compressed_bytes(architecture, architecture.compressed, serving, layer)
    windowed = is_windowed(architecture, layer)
    cells = window_cells(architecture, serving) if windowed else cells_per_slot(serving)
    row = row_bytes(kind, architecture.kv_heads * architecture.key_dim)
    if architecture.latent is None:
        row += row_bytes(kind, architecture.kv_heads * architecture.value_dim)
    return cells * row


def conv_width(space: StateSpace) -> int:
    """Values of one sequence's convolution state (`n_embd_r`)."""
    return (space.conv_kernel - 1) * (space.inner + 2 * space.groups * space.state)


def state_width(space: StateSpace) -> int:
    """Values of one sequence's recurrent state (`n_embd_s`)."""
    return space.state * space.inner


def state_bytes(space: StateSpace) -> int:
    return _F32 * (conv_width(space) + state_width(space))


def _compressed_bytes(architecture: Architecture, part: CompressedAttention, serving: Serving, layer: int) -> int:
    """DeepSeek V4: a window of rows, compressed rows, and the f32 state of the rows being compressed."""
    kind, key = KV_TYPES[serving.kv], architecture.key_dim
    total = window_cells(architecture, serving) * row_bytes(kind, key)
    ratio = compression(architecture, layer)
    if ratio == 0:
        return total
    cells = compressed_cells(serving, ratio)
    total += cells * row_bytes(kind, key)
    if ratio == 128:
        return total + 2 * _F32 * key * ratio
    return total + cells * row_bytes(kind, part.index_dim) + 2 * _F32 * 2 * (key + part.index_dim) * 2 * ratio


def compressed_cells(serving: Serving, ratio: int) -> int:
    return pad(max(1, -(-cells_per_slot(serving) // ratio)))
