"""The graph of BERT-like encoders: no cache, every token of the batch sees every other.

Source: src/models/bert.cpp, src/llama-graph.cpp (`build_attn_inp_no_cache`, `build_pooling`) of the pinned llama.cpp
build.
"""

from __future__ import annotations

from provision.planner.memory.graph.builder import HALF, Builder
from provision.planner.memory.graph.nodes import HOST, Node, contiguous, like, multiply, view


def build_encoder(build: Builder) -> None:
    a = build.architecture
    flow = like(build.embed())
    if a.family == "bert":
        places = Node(flow.shape, build.positions)
        places.home = HOST
        flow = like(places, flow)
    flow = _layer_norm(flow)
    mask = Node((build.tokens, build.tokens), item=HALF)
    for layer in build.layers:
        build.enter(layer, flow)
        attended = _attention(build, flow, mask)
        if layer == a.layers - 1:
            attended, flow = build.pick(attended), build.pick(flow)
        entered = _layer_norm(like(attended, flow))
        flow = _layer_norm(like(_feed(build, entered), entered))
    build.leave(flow)
    flow.output = True
    build.graph.expand(flow)
    if build.serving.reserve_outputs == "slots":
        _pool(build, flow)


def _pool(build: Builder, flow: Node) -> None:
    """What llama-server adds with --embedding: the mean of a sequence's rows (nomic), or its first row (BERT)."""
    if build.architecture.family == "bert":
        pooled = Node((flow.shape[0], build.sequences), flow, Node((build.sequences,)))
    else:
        turned = contiguous(view(flow, *flow.shape[::-1]))
        pooled = multiply(flow.shape[0], Node((build.tokens, build.sequences)), turned)
    pooled.output = True
    build.graph.expand(pooled)


def _attention(build: Builder, of: Node, mask: Node) -> Node:
    a, tokens, heads, width = build.architecture, build.tokens, build.architecture.heads, build.architecture.key_dim
    if a.family == "bert":
        queries, keys, values = (view(like(multiply(a.embedding, of)), width, heads, tokens) for _ in range(3))
    else:
        joined = multiply(3 * a.embedding, of)
        queries, keys, values = (view(joined, width, heads, tokens) for _ in range(3))
        queries, keys = like(queries, build.positions), like(keys, build.positions)
    for node in (queries, keys, values):
        build.graph.expand(node)
    turned = view(view(queries, width, heads, tokens), width, tokens, heads)
    halves = [Node((width, tokens, heads), view(node, width, tokens, heads), item=HALF) for node in (keys, values)]
    seen = Node((width, heads, tokens), turned, *halves, mask)
    flat = view(seen, a.embedding, tokens)
    build.graph.expand(flat)
    out = multiply(a.embedding, flat)
    return like(out) if a.family == "bert" else out


def _feed(build: Builder, of: Node) -> Node:
    a = build.architecture
    if a.family != "bert":
        return build.feed_forward(of, a.feed_forward)
    return like(multiply(a.embedding, like(like(multiply(a.feed_forward, of)))))


def _layer_norm(of: Node) -> Node:
    """Unlike the root mean square, ggml's full norm never writes over its source."""
    return like(like(Node(of.shape, of)))
