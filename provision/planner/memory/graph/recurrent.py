"""The graphs of models with a state per sequence: Mamba-2, and the gated delta net of qwen3next.

Source: src/models/mamba.cpp, mamba-base.cpp (`build_mamba2_layer`), qwen3next.cpp, delta-net-base.cpp and
src/llama-graph.cpp (`build_rs`) of the pinned llama.cpp build.
"""

from __future__ import annotations

from provision.models.architecture import StateSpace
from provision.planner.memory.cache import conv_width, state_width
from provision.planner.memory.graph.attention import CacheInputs, attend, rope
from provision.planner.memory.graph.builder import Builder
from provision.planner.memory.graph.nodes import Node, concat, contiguous, like, multiply, view
from provision.planner.memory.layers import is_recurrent, required


class States:
    """Which sequence's state goes where: one index per slot, and views of them."""

    def __init__(self, build: Builder) -> None:
        self.copied = Node((build.sequences,))
        self.main = view(self.copied, build.sequences)
        self.rest = view(self.copied, build.sequences - 1)


def build_mamba(build: Builder) -> None:
    a = build.architecture
    flow, states = build.embed(), States(build)
    for layer in build.layers:
        mixed = _mamba(build, build.enter_normed(layer, flow), states, layer)
        if layer == a.layers - 1:
            mixed, flow = build.pick(mixed), build.pick(flow)
        flow = like(mixed, flow)
    build.leave(flow)
    build.finish(flow)


def build_hybrid(build: Builder) -> None:
    a = build.architecture
    flow, states = build.embed(), States(build)
    inputs = CacheInputs(build, build.cells, a.key_dim)
    for layer in build.layers:
        normed = build.enter_normed(layer, flow)
        build.graph.expand(normed)
        recurrent = is_recurrent(a, layer)
        mixed = _delta_net(build, normed, states) if recurrent else _gated_attention(build, normed, inputs)
        entered = like(mixed, flow)
        flow = like(_shared_experts(build, build.rms_norm(entered), required(a.experts).shared_feed_forward), entered)
    build.leave(flow)
    normed = build.rms_norm(flow)
    normed.output = True
    chosen = build.pick(normed)
    chosen.output = True
    logits = multiply(a.vocabulary, chosen)
    logits.output = True
    build.graph.expand(logits)


def _shared_experts(build: Builder, of: Node, width: int) -> Node:
    routed = build.route(of, "softmax", normed=True, scaled=False)
    shared = build.feed_forward(of, width)
    return like(routed, like(shared, like(multiply(1, of))))


def _gated_attention(build: Builder, of: Node, inputs: CacheInputs) -> Node:
    a, tokens = build.architecture, build.tokens
    joined = multiply(2 * a.heads * a.key_dim, of)
    keys, values = (multiply(a.kv_heads * width, of) for width in (a.key_dim, a.value_dim))
    joined = view(joined, 2 * a.key_dim, a.heads, tokens)
    queries = rope(build.rms_norm(view(joined, a.key_dim, a.heads, tokens)), build.positions)
    keys = rope(build.rms_norm(view(keys, a.key_dim, a.kv_heads, tokens)), build.positions)
    values = view(values, a.value_dim, a.kv_heads, tokens)
    seen = attend(build, inputs, queries, keys, values)
    gate = like(contiguous(view(joined, a.key_dim, a.heads, tokens), a.key_dim * a.heads, tokens))
    return multiply(a.embedding, like(seen, gate))


def _keep_state(build: Builder, of: Node, *shape: int) -> None:
    """Copy a new state into the cache."""
    build.graph.expand(Node(shape, view(of, *shape), external=True))


def _load_state(build: Builder, states: States, width: int) -> Node:
    """The states of this batch's sequences, read from the cache."""
    loaded = Node((width, build.sequences), states.copied)
    mine = view(loaded, width, build.sequences)
    build.graph.expand(mine)
    build.graph.expand(Node((width, 0), view(loaded, width, 0), external=True))
    return mine


def _convolve(build: Builder, mixed: Node, states: Node, space: StateSpace) -> tuple[Node, Node]:
    """The convolution's input with the last tokens' rows before it, and its result."""
    each, sequences = build.tokens // build.sequences, build.sequences
    width, before = mixed.shape[0], space.conv_kernel - 1
    entered = concat(view(states, before, width, sequences), view(mixed, each, width, sequences), 0)
    _keep_state(build, entered, before, width, sequences)
    return entered, Node((width, each, sequences), entered)


def _mamba(build: Builder, of: Node, states: States, layer: int) -> Node:
    a, space = build.architecture, required(build.architecture.state_space)
    each, sequences = build.tokens // build.sequences, build.sequences
    head, convolved = space.inner // space.heads, space.inner + 2 * space.groups * space.state
    conv_states = _load_state(build, states, conv_width(space))
    joined = view(multiply(space.inner + convolved + space.heads, of), space.inner, each, sequences)
    gate = _next_gate(build, view(joined, head, space.heads, each, sequences), layer)
    steps = view(joined, space.heads, each, sequences)
    _, rows = _convolve(build, view(joined, convolved, each, sequences), conv_states, space)
    rows = like(like(rows))
    values = view(rows, head, space.heads, each, sequences)
    entering, leaving = (view(rows, space.state, space.groups, each, sequences) for _ in range(2))
    steps = like(contiguous(steps))
    extra = Node((state_width(space), sequences - 1), states.rest)
    scanned = Node(
        (build.tokens * space.inner + state_width(space) * sequences,), values, steps, entering, leaving, states.main
    )
    build.graph.expand(scanned)
    build.graph.expand(Node((0,), view(extra, state_width(space), sequences - 1), external=True))
    _keep_state(build, scanned, state_width(space), sequences)
    result = view(scanned, head, space.heads, each, sequences)
    added = like(result, like(values))
    gated = Node(added.shape, gate, added)
    normed = build.rms_norm(view(gated, space.inner // space.groups, space.groups, each, sequences))
    return multiply(a.embedding, view(normed, space.inner, build.tokens))


def _next_gate(build: Builder, of: Node, layer: int) -> Node:
    """The gate without gaps. It is made after the next layer's states are read, and so on that layer's card, which gets
    a copy of the rows that it is a part of."""
    tokens, width = build.tokens, of.shape[0] * of.shape[1]
    of.size = of.item * width + required(of.root).size // tokens * (tokens - 1)
    gate = contiguous(of)
    if layer + 1 < build.architecture.layers:
        gate.home = build.owners[layer + 1]
    return gate


def _delta_net(build: Builder, of: Node, states: States) -> Node:
    a, space = build.architecture, required(build.architecture.state_space)
    each, sequences = build.tokens // build.sequences, build.sequences
    keys, values = space.state * space.groups, space.state * space.heads
    mixed = view(multiply(2 * keys + values, of), 2 * keys + values, each, sequences)
    gate_z = multiply(values, of)
    both = view(multiply(2 * space.heads, of), 2 * space.heads // space.groups, space.groups, each, sequences)
    part = (space.heads // space.groups, space.groups, each, sequences)
    beta = view(like(contiguous(view(both, *part))), 1, space.heads, each, sequences)
    alpha = contiguous(view(both, *part), space.heads, each, sequences)
    decay = view(like(like(like(alpha))), 1, space.heads, each, sequences)
    conv_states = _load_state(build, states, conv_width(space))
    _, rows = _convolve(build, mixed, conv_states, space)
    state = view(_load_state(build, states, state_width(space)), space.state, space.state, space.heads, sequences)
    rows = like(rows)
    queries, asked = (
        _spread(build, like(like(view(rows, space.state, space.groups, each, sequences))), space) for _ in range(2)
    )
    value = view(rows, space.state, space.heads, each, sequences)
    result = Node((values, build.tokens + space.state * sequences), queries, asked, value, decay, beta, state)
    output = view(result, space.state, space.heads, each, sequences)
    _keep_state(build, result, space.state, space.state, space.heads, sequences)
    normed = build.rms_norm(output)
    gated = like(normed, like(view(gate_z, space.state, space.heads, each, sequences)))
    return view(multiply(a.embedding, view(gated, values, each, sequences)), a.embedding, build.tokens)


def _spread(build: Builder, of: Node, space: StateSpace) -> Node:
    """Repeat each key head for the value heads that share it."""
    shape = (space.state, space.heads // space.groups, space.groups, build.tokens)
    flat = view(of, space.state, 1, space.groups, build.tokens)
    each = build.tokens // build.sequences
    return view(Node(shape, flat), space.state, space.heads, each, build.sequences)
