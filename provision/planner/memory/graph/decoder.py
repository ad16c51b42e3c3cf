"""The graphs of ordinary decoders: attention over keys and values, then a feed-forward layer or experts.

Source: src/models/llama.cpp, qwen2.cpp, qwen3.cpp, qwen3moe.cpp, llama4.cpp, openai-moe.cpp, gemma3.cpp of the pinned
llama.cpp build.
"""

from __future__ import annotations

from provision.planner.memory.graph.attention import CacheInputs, attend, project, rope
from provision.planner.memory.graph.builder import Builder
from provision.planner.memory.graph.nodes import Node, like, multiply
from provision.planner.memory.layers import has_experts, is_full, required


def build_decoder(build: Builder) -> None:
    a = build.architecture
    flow = build.embed(scaled=a.family == "gemma3")
    full = CacheInputs(build, build.cells, a.key_dim)
    windowed = CacheInputs(build, build.window_cells, a.key_dim) if a.window else None
    scale = Node((1, 1, build.tokens)) if a.family == "llama4" else None
    for layer in build.layers:
        normed = build.enter_normed(layer, flow)
        inputs = full if windowed is None or is_full(a, layer) else windowed
        attended = _attention(build, normed, inputs, layer, scale, windowed=a.window is not None)
        last = layer == a.layers - 1 and a.family != "gpt-oss"
        if last:
            attended, flow = build.pick(attended), build.pick(flow)
        if a.family == "gemma3":
            attended = build.rms_norm(attended)
        entered = like(attended, flow)
        fed = _feed(build, build.rms_norm(entered), layer)
        if a.family == "gemma3":
            fed = build.rms_norm(fed)
        flow = like(fed, entered)
    build.leave(flow)
    if a.family == "gpt-oss":
        flow.output = True
        flow = build.pick(flow)
    build.finish(flow)


def _attention(
    build: Builder, of: Node, inputs: CacheInputs, layer: int, scale: Node | None, *, windowed: bool
) -> Node:
    a = build.architecture
    queries = project(build, of, a.heads, a.key_dim, biased=a.qkv_bias)
    keys = project(build, of, a.kv_heads, a.key_dim, biased=a.qkv_bias)
    values = project(build, of, a.kv_heads, a.value_dim, biased=a.qkv_bias)
    if a.qk_norm:
        queries, keys = build.rms_norm(queries), build.rms_norm(keys)
    if scale is None or not is_full(a, layer):
        queries, keys = rope(queries, build.positions), rope(keys, build.positions)
        if a.family == "llama4":
            queries, keys = build.rms_norm(queries, weighted=False), build.rms_norm(keys, weighted=False)
    else:
        queries = like(queries, scale)
    if a.family == "gemma3":
        queries = like(queries)
    seen = attend(build, inputs, queries, keys, values, windowed=windowed)
    out = multiply(a.embedding, seen)
    return like(out) if a.family == "gpt-oss" else out


def _feed(build: Builder, of: Node, layer: int) -> Node:
    a = build.architecture
    if not has_experts(a, layer):
        return build.feed_forward(of, a.feed_forward)
    if a.family == "gpt-oss":
        return build.route(of, "softmax_weight", normed=False, scaled=False)
    if a.family == "llama4":
        routed = build.route(of, "sigmoid", normed=False, scaled=False)
        return like(routed, build.feed_forward(of, required(a.experts).shared_feed_forward))
    return build.route(of, "softmax", normed=True, scaled=False)
