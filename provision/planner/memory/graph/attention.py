"""Attention over a cache, with flash attention on: queries, keys and values, their rotation, the masks.

Source: src/llama-graph.cpp (`build_qkv`, `build_attn`, `build_attn_mha`), src/llama-kv-cache.cpp (`cpy_k`, `get_k`,
rotation matrices of a quantised cache), src/llama-impl.h (`llama_mul_mat_hadamard`) of the pinned build.
"""

from __future__ import annotations

from provision.planner.memory.graph.builder import HALF, INT64, Builder
from provision.planner.memory.graph.nodes import Node, like, multiply, view

_SMALLEST_ROTATION = 64


class CacheInputs:
    """What a layer needs to know about one cache: where to write, and which cells each token sees."""

    def __init__(
        self, build: Builder, cells: int, key_dim: int, *, values: bool = True, rotated: bool | None = None
    ) -> None:
        self.cells = cells
        streams = build.sequences
        self.mask = Node((cells, build.tokens // streams, 1, streams), item=HALF)
        self.key_places = Node((build.tokens,), item=INT64)
        self.value_places = Node((build.tokens,), item=INT64)
        self.key_rotation = self.value_rotation = None
        quantised = build.serving.kv != "f16" and key_dim % _SMALLEST_ROTATION == 0
        if quantised and (values if rotated is None else rotated):
            side = rotation_side(key_dim)
            self.key_rotation = Node((side, side))
        if quantised and values:
            self.value_rotation = Node((_SMALLEST_ROTATION, _SMALLEST_ROTATION))


def rotation_side(key_dim: int) -> int:
    side = _SMALLEST_ROTATION
    while key_dim % (2 * side) == 0:
        side *= 2
    return side


def rotate(of: Node, rotation: Node | None) -> Node:
    """Keys and values of a quantised cache are rotated first, which spreads outliers."""
    if rotation is None:
        return of
    side = rotation.shape[0]
    flat = view(of, side, of.size // of.item // side)
    return view(multiply(side, flat, rotation), *of.shape)


def store(build: Builder, rows: Node, places: Node) -> None:
    """Write rows into a cache, which lies in a buffer of its own."""
    width = rows.shape[0] * rows.shape[1]
    flat = view(rows, width, rows.shape[2])
    build.graph.expand(Node(flat.shape, flat, places, external=True))


def flash(build: Builder, queries: Node, mask: Node, cells: int, value_dim: int, *cached: Node) -> Node:
    """Flash attention: one row of all heads' values per token. `cached` are keys and values that are no plain cache."""
    key_dim, heads, tokens = queries.shape
    streams = build.sequences
    split = view(queries, key_dim, heads, tokens // streams, streams)
    turned = view(split, key_dim, tokens // streams, heads, streams)
    result = Node((value_dim, heads, tokens // streams, streams), turned, *cached, mask)
    result.extra = build.converted_cache(cells)
    return result


def attend(
    build: Builder, inputs: CacheInputs, queries: Node, keys: Node, values: Node, *, windowed: bool = False
) -> Node:
    """Store keys and values, and give each token's attention over its slot's cells."""
    queries, keys = rotate(queries, inputs.key_rotation), rotate(keys, inputs.key_rotation)
    values = rotate(values, inputs.value_rotation)
    for node in (queries, keys, values) if windowed else (queries, values, keys):
        build.graph.expand(node)
    store(build, keys, inputs.key_places)
    store(build, values, inputs.value_places)
    seen = flash(build, queries, inputs.mask, inputs.cells, values.shape[0])
    flat = view(seen, values.shape[0] * queries.shape[1], build.tokens)
    build.graph.expand(flat)
    return rotate(flat, inputs.value_rotation)


def project(build: Builder, of: Node, heads: int, width: int, *, biased: bool) -> Node:
    projected = multiply(heads * width, of)
    if biased:
        projected = like(projected)
    return view(projected, width, heads, build.tokens)


def rope(of: Node, positions: Node) -> Node:
    return like(of, positions)
