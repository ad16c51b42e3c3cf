"""DeepSeek V4: attention over the window and those compressed rows that the index chooses.

Source: src/models/deepseek4.cpp (`build_lid_top_k`, `build_top_k_mask`, `build_csa_lid_attention`,
`build_hca_attention`, `build_raw_attention`) of the pinned llama.cpp build.
"""

from __future__ import annotations

from provision.planner.memory.cache import KV_TYPES
from provision.planner.memory.ggml import row_bytes
from provision.planner.memory.graph.attention import CacheInputs, flash, rope, rotate, store
from provision.planner.memory.graph.builder import HALF, Builder
from provision.planner.memory.graph.compressor import CompressedInputs, compress
from provision.planner.memory.graph.nodes import Node, concat, contiguous, like, multiply, scratch, view
from provision.planner.memory.layers import required

TOP_ROWS = 512
"""`index_topk`: rows that a token's attention reads (Flash; Pro's from a re-upload of its configuration)."""


def compress_layer(build: Builder, of: Node, inputs: CompressedInputs, index: CompressedInputs | None) -> None:
    compress(build, of, inputs)
    if index is not None:
        compress(build, of, index)


def attend_compressed(
    build: Builder,
    of: Node,
    reduced: Node,
    queries: Node,
    row: Node,
    window: CacheInputs,
    inputs: CompressedInputs | None,
    index: CompressedInputs | None,
) -> Node:
    """One row of all heads' values per token. `reduced` are the queries' compressed form, which the index reads."""
    a = build.architecture
    chosen = _choose(build, of, reduced, index) if index is not None else None
    queries, row = rotate(queries, window.key_rotation), rotate(row, window.key_rotation)
    build.graph.expand(queries)
    build.graph.expand(row)
    store(build, row, window.key_places)
    cached: tuple[Node, ...] = ()
    mask, cells = window.mask, window.cells
    if inputs is not None:
        joined = _join_cells(build, window.cells + inputs.cells)
        cached = tuple(view(joined, *joined.shape) for _ in range(2))
        mask = concat(mask, _mask_chosen(inputs.mask, chosen) if chosen is not None else inputs.mask, 0)
        cells += inputs.cells
    seen = flash(build, queries, mask, cells, a.value_dim, *cached)
    flat = view(seen, a.value_dim * a.heads, build.tokens)
    build.graph.expand(flat)
    return rotate(flat, window.key_rotation)


def _join_cells(build: Builder, cells: int) -> Node:
    """Window and compressed rows of a layer in one tensor, of the cache's type."""
    width, streams = build.architecture.key_dim, build.sequences
    joined = Node((width, 1, cells, streams), Node((0,), external=True))
    joined.size = row_bytes(KV_TYPES[build.serving.kv], width) * cells * streams
    return joined


def _choose(build: Builder, of: Node, reduced: Node, index: CompressedInputs) -> Node:
    part = required(build.architecture.compressed)
    tokens, streams = build.tokens, build.sequences
    asked = view(multiply(part.index_heads * part.index_dim, reduced), part.index_dim, part.index_heads, tokens)
    asked = rotate(rope(asked, build.positions), index.rotation)
    weights = like(multiply(part.index_heads, of))
    each = tokens // streams
    scores = Node(
        (index.cells, each, 1, streams),
        view(asked, part.index_dim, part.index_heads, each, streams),
        view(weights, part.index_heads, each, 1, streams),
        index.mask,
    )
    best = Node((min(index.cells, TOP_ROWS), each, 1, streams), scores)
    return contiguous(best)


def _mask_chosen(mask: Node, chosen: Node) -> Node:
    """A mask that hides all but the chosen rows."""
    cells, each, _, streams = mask.shape
    hidden = view(like(mask), 1, cells, each, streams)
    places = view(chosen, chosen.shape[0], each, streams)
    shown = like(scratch((1, chosen.shape[0], each, streams), item=HALF))
    written = Node(hidden.shape, shown, places, hidden, item=HALF, root=hidden.root)
    return like(view(written, *mask.shape), mask)
