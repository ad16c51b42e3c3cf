"""The graph of DeepSeek V4: four parallel residual streams, a window of rows, compressed rows, and an index over them.

Source: src/models/deepseek4.cpp, src/llama-kv-cache-dsv4.cpp (`dsv4_build_reserve_comp_plan`), src/llama-graph.cpp
(`build_inp_dsv4`) of the pinned llama.cpp build, with its fused operations.
"""

from __future__ import annotations

from provision.planner.memory.graph.attention import CacheInputs, rope
from provision.planner.memory.graph.builder import Builder
from provision.planner.memory.graph.compressor import CompressedInputs
from provision.planner.memory.graph.indexer import attend_compressed, compress_layer
from provision.planner.memory.graph.nodes import Node, contiguous, like, multiply, view
from provision.planner.memory.layers import HASH_LAYERS, HYPER_CONNECTIONS, compression, required


def build_compressed(build: Builder) -> None:
    a, tokens = build.architecture, build.tokens
    embedded = build.embed(mixed=False)
    window = CacheInputs(build, build.window_cells, a.key_dim, values=False, rotated=True)
    build.graph.expand(window.mask)
    inputs = {ratio: CompressedInputs(build, ratio) for ratio in (4, 128)}
    index = CompressedInputs(build, 4, index=True)
    flow = Node((a.embedding, HYPER_CONNECTIONS, tokens), view(embedded, a.embedding, 1, tokens))
    for layer in build.layers:
        cur, post, mixed = _enter_streams(build, flow, layer)
        ratio = compression(a, layer)
        cur = _attention(build, build.rms_norm(cur), window, inputs.get(ratio), index if ratio == 4 else None)
        flow = _leave_streams(cur, flow, post, mixed)
        cur, post, mixed = _enter_streams(build, flow)
        for node in (flow, post, mixed):
            build.graph.expand(node)
        chosen = Node((required(a.experts).used, tokens), build.token_ids) if layer < HASH_LAYERS else None
        cur = build.rms_norm(cur)
        routed = build.route(cur, "sqrt_softplus", normed=True, scaled=True, chosen=chosen)
        fed = like(routed, build.feed_forward(cur, required(a.experts).shared_feed_forward))
        flow = _leave_streams(fed, flow, post, mixed)
    build.leave(flow)
    build.finish(_join_streams(build, flow))


def _enter_streams(build: Builder, flow: Node, layer: int | None = None) -> tuple[Node, Node, Node]:
    """The streams weighted into one, and the two matrices that spread the layer's result over them again.

    A new layer's norm of all streams is still computed where they were made: it has no weight that would place it.
    """
    width, count, tokens = flow.shape
    flat = like(view(flow, width * count, tokens))
    if layer is not None:
        build.enter(layer, flat)
    mixes = multiply((2 + count) * count, flat)
    before, post = (like(like(like(like(view(mixes, count, tokens))))) for _ in range(2))
    mixed = Node((count, count, tokens), mixes)
    return Node((width, tokens), flow, before), post, mixed


def _leave_streams(of: Node, residual: Node, post: Node, mixed: Node) -> Node:
    return Node(residual.shape, of, residual, post, mixed)


def _join_streams(build: Builder, flow: Node) -> Node:
    width, count, tokens = flow.shape
    chosen = view(build.pick(view(flow, width * count, tokens)), width, count, build.outputs)
    mixes = multiply(count, like(view(chosen, width * count, build.outputs)))
    weights = like(like(like(like(mixes))))
    shares = [like(view(chosen, width, build.outputs), view(weights, 1, build.outputs)) for _ in range(count)]
    total = shares[0]
    for share in shares[1:]:
        total = like(total, share)
    return total


def _attention(
    build: Builder, of: Node, window: CacheInputs, inputs: CompressedInputs | None, index: CompressedInputs | None
) -> Node:
    a, part, tokens = build.architecture, required(build.architecture.compressed), build.tokens
    reduced = build.rms_norm(multiply(part.q_rank, of))
    queries = rope(like(view(multiply(a.heads * a.key_dim, reduced), a.key_dim, a.heads, tokens)), build.positions)
    row = build.rms_norm(multiply(a.key_dim, of))
    row = rope(view(row, a.key_dim, 1, tokens), build.positions)
    if inputs is not None:
        compress_layer(build, of, inputs, index)
    seen = attend_compressed(build, of, reduced, queries, row, window, inputs, index)
    seen = like(view(seen, a.key_dim, a.heads, tokens), build.positions)
    grouped = view(view(seen, a.heads * a.key_dim // part.o_groups, part.o_groups, tokens), *_grouped(build, seen))
    out = multiply(part.o_rank, grouped)
    turned = view(out, part.o_rank, part.o_groups, tokens)
    return multiply(a.embedding, contiguous(turned, part.o_rank * part.o_groups, tokens))


def _grouped(build: Builder, seen: Node) -> tuple[int, int, int]:
    part = required(build.architecture.compressed)
    return seen.shape[0] * seen.shape[1] // part.o_groups, build.tokens, part.o_groups
