"""DeepSeek V4: how a batch's rows become compressed rows of the cache.

Source: src/models/deepseek4.cpp (`build_overlap_compressed_kv_from_state`, `build_hca_compressed_kv_from_state`),
src/llama-kv-cache-dsv4.cpp (`dsv4_build_reserve_comp_plan`) of the pinned llama.cpp build.
"""

from __future__ import annotations

from provision.planner.memory.cache import compressed_cells
from provision.planner.memory.graph.attention import rotate, rotation_side
from provision.planner.memory.graph.builder import HALF, INT64, Builder
from provision.planner.memory.graph.nodes import Node, concat, contiguous, like, multiply, view
from provision.planner.memory.layers import required


class CompressedInputs:
    """Indices and mask of one kind of compressed rows: `ratio` tokens to a row, or the index over rows of ratio 4.

    Rows of ratio 4 overlap: each is made of two blocks.
    """

    def __init__(self, build: Builder, ratio: int, *, index: bool = False) -> None:
        a, streams, tokens = build.architecture, build.sequences, build.tokens
        self.ratio = ratio
        self.width = required(a.compressed).index_dim if index else a.key_dim
        self.overlap = ratio == 4
        self.blocks = tokens // ratio + streams
        self.state_rows = (2 * ratio if self.overlap else ratio) * streams
        kept = min(tokens, self.state_rows)
        self.positions = Node((tokens,))
        self.kept_from, self.kept_to = Node((kept,)), Node((kept,))
        self.reads = Node(((2 if self.overlap else 1) * ratio * self.blocks,))
        self.places = Node((self.blocks,), item=INT64)
        self.row_positions = Node((self.blocks,))
        self.cells = compressed_cells(build.serving, ratio)
        self.mask = Node((self.cells, tokens // streams, 1, streams), item=HALF)
        rotated = index or build.serving.kv != "f16"
        side = rotation_side(self.width)
        self.rotation = Node((side, side)) if rotated else None


def compress(build: Builder, of: Node, inputs: CompressedInputs) -> None:
    """Make the batch's compressed rows, store them, and keep the rows that are not yet complete."""
    wide = inputs.width * (2 if inputs.overlap else 1)
    rows, scores = multiply(wide, of), multiply(wide, of)
    scores = like(scores, Node(scores.shape, inputs.positions))
    known, weighed = (_prepend(part, inputs.state_rows) for part in (rows, scores))
    made = _overlapping(build, known, weighed, inputs) if inputs.overlap else _plain(build, known, weighed, inputs)
    made = rotate(made, inputs.rotation)
    flat = view(made, inputs.width, inputs.blocks)
    build.graph.expand(Node(flat.shape, flat, inputs.places, external=True))
    for part in (rows, scores):
        kept = Node((wide, inputs.kept_from.shape[0]), part, inputs.kept_from)
        build.graph.expand(Node(kept.shape, kept, inputs.kept_to, external=True))


def _prepend(part: Node, rows: int) -> Node:
    """The rows that were kept, read from the cache, before the new ones."""
    return Node((part.shape[0], rows + part.shape[1]), part)


def _plain(build: Builder, rows: Node, scores: Node, inputs: CompressedInputs) -> Node:
    shape = (inputs.width, inputs.ratio, inputs.blocks)
    values, weights = (
        _turn(view(Node((inputs.width, inputs.reads.shape[0]), part, inputs.reads), *shape)) for part in (rows, scores)
    )
    return _weigh(build, values, weights, inputs)


def _overlapping(build: Builder, rows: Node, scores: Node, inputs: CompressedInputs) -> Node:
    read = inputs.ratio * inputs.blocks
    found = [
        Node((2 * inputs.width, 2 * read), concat(part, view(like(view(part, part.shape[0])), part.shape[0], 1), 1),
             inputs.reads)
        for part in (rows, scores)
    ]  # fmt: skip
    shape = (inputs.width, inputs.ratio, inputs.blocks)
    before, after = ([view(contiguous(view(part, inputs.width, read)), *shape) for part in found] for _ in range(2))
    values, weights = (_turn(concat(first, second, 1)) for first, second in zip(before, after, strict=True))
    return _weigh(build, values, weights, inputs)


def _turn(of: Node) -> Node:
    width, rows, blocks = of.shape
    return contiguous(view(of, rows, width, blocks))


def _weigh(build: Builder, values: Node, scores: Node, inputs: CompressedInputs) -> Node:
    total = Node((1, inputs.width, inputs.blocks), like(values, like(scores)))
    row = contiguous(view(total, inputs.width, 1, inputs.blocks))
    return like(build.rms_norm(row), inputs.row_positions)
