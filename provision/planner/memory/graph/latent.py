"""The graph of DeepSeek V2 and V3: attention over one compressed row per token.

Source: src/models/deepseek2.cpp of the pinned llama.cpp build, with split projections (latent attention absorbed).
"""

from __future__ import annotations

from provision.planner.memory.graph.attention import CacheInputs, flash, rope, store
from provision.planner.memory.graph.builder import Builder
from provision.planner.memory.graph.nodes import Node, concat, contiguous, like, multiply, view
from provision.planner.memory.layers import has_experts, required


def build_latent_decoder(build: Builder) -> None:
    a = build.architecture
    flow = build.embed()
    inputs = CacheInputs(build, build.cells, a.key_dim, values=False)
    for layer in build.layers:
        attended = _attention(build, build.enter_normed(layer, flow), inputs)
        if layer == a.layers - 1:
            attended, flow = build.pick(attended), build.pick(flow)
        entered = like(attended, flow)
        flow = like(_feed(build, build.rms_norm(entered), layer), entered)
    build.leave(flow)
    build.finish(flow)


def _attention(build: Builder, of: Node, inputs: CacheInputs) -> Node:
    a, latent, tokens = build.architecture, required(build.architecture.latent), build.tokens
    width = latent.nope_dim + latent.rope_dim
    source = build.rms_norm(multiply(latent.q_rank, of)) if latent.q_rank else of
    queries = view(multiply(a.heads * width, source), width, a.heads, tokens)
    row = multiply(latent.kv_rank + latent.rope_dim, of)
    key_rope = rope(view(row, latent.rope_dim, 1, tokens), build.positions)
    compressed = build.rms_norm(view(row, latent.kv_rank, tokens))
    plain = view(queries, latent.nope_dim, a.heads, tokens)
    turning = rope(view(queries, latent.rope_dim, a.heads, tokens), build.positions)
    absorbed = multiply(latent.kv_rank, view(plain, latent.nope_dim, tokens, a.heads))
    asked = concat(view(absorbed, latent.kv_rank, a.heads, tokens), turning, 0)
    values = view(compressed, latent.kv_rank, 1, tokens)
    keys = concat(values, key_rope, 0)
    for node in (asked, values, keys):
        build.graph.expand(node)
    store(build, keys, inputs.key_places)
    seen = flash(build, asked, inputs.mask, inputs.cells, latent.kv_rank)
    each, streams = seen.shape[2], seen.shape[3]
    unpacked = multiply(latent.value_dim, view(seen, latent.kv_rank, each, a.heads, streams))
    rows = contiguous(view(unpacked, latent.value_dim, a.heads, each, streams))
    flat = view(rows, a.heads * latent.value_dim, tokens)
    build.graph.expand(flat)
    return multiply(a.embedding, flat)


def _feed(build: Builder, of: Node, layer: int) -> Node:
    a = build.architecture
    if not has_experts(a, layer):
        return build.feed_forward(of, a.feed_forward)
    experts = required(a.experts)
    third = experts.count >= 256
    routed = build.route(of, "sigmoid" if third else "softmax", normed=third, scaled=experts.count != 64)
    return like(routed, build.feed_forward(of, experts.shared_feed_forward))
