"""The tensors of one block, by part, all f32 as before quantisation. Names without the block's number."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.architecture import Architecture, LatentAttention
from provision.planner.memory.ggml import Tensor
from provision.planner.memory.layers import HASH_LAYERS, compression, required


def weight(name: str, *shape: int) -> Tensor:
    return Tensor(f"{name}.weight", shape, "f32")


def bias(name: str, *shape: int) -> Tensor:
    return Tensor(f"{name}.bias", shape, "f32")


def norm(name: str, width: int) -> Tensor:
    return weight(name, width)


def attention(architecture: Architecture) -> Iterator[Tensor]:
    """Queries, keys, values and output; qwen3next's query projection has a gate of the same width."""
    a = architecture
    widths = {"attn_q": a.heads * a.key_dim, "attn_k": a.kv_heads * a.key_dim, "attn_v": a.kv_heads * a.value_dim}
    if a.family == "qwen3next":
        widths["attn_q"] *= 2
    for name, width in widths.items():
        yield weight(name, a.embedding, width)
        if a.qkv_bias:
            yield bias(name, width)
    yield weight("attn_output", a.heads * a.value_dim, a.embedding)
    if a.qk_norm:
        yield norm("attn_q_norm", a.key_dim)
        yield norm("attn_k_norm", a.key_dim)


def latent_attention(architecture: Architecture, latent: LatentAttention) -> Iterator[Tensor]:
    a, key = architecture, latent.nope_dim + latent.rope_dim
    if latent.q_rank:
        yield weight("attn_q_a", a.embedding, latent.q_rank)
        yield norm("attn_q_a_norm", latent.q_rank)
        yield weight("attn_q_b", latent.q_rank, a.heads * key)
    else:
        yield weight("attn_q", a.embedding, a.heads * key)
    yield weight("attn_kv_a_mqa", a.embedding, latent.kv_rank + latent.rope_dim)
    yield norm("attn_kv_a_norm", latent.kv_rank)
    yield weight("attn_k_b", latent.nope_dim, latent.kv_rank, a.heads)
    yield weight("attn_v_b", latent.kv_rank, latent.value_dim, a.heads)
    yield weight("attn_output", a.heads * latent.value_dim, a.embedding)


def delta_net(architecture: Architecture) -> Iterator[Tensor]:
    """Gated delta net (qwen3next): keys of `groups` heads, values of `heads`, each `state` wide."""
    a, s = architecture, required(architecture.state_space)
    keys, values = s.state * s.groups, s.state * s.heads
    yield weight("attn_qkv", a.embedding, 2 * keys + values)
    yield weight("attn_gate", a.embedding, values)
    yield weight("ssm_conv1d", s.conv_kernel, 2 * keys + values)
    yield bias("ssm_dt", s.heads)
    yield Tensor("ssm_a", (s.heads,), "f32")
    yield weight("ssm_ba", a.embedding, 2 * s.heads)
    yield norm("ssm_norm", s.state)
    yield weight("ssm_out", values, a.embedding)


def mamba(architecture: Architecture) -> Iterator[Tensor]:
    a, s = architecture, required(architecture.state_space)
    convolved = s.inner + 2 * s.groups * s.state
    yield weight("ssm_in", a.embedding, s.inner + convolved + s.heads)
    yield weight("ssm_conv1d", s.conv_kernel, convolved)
    yield bias("ssm_conv1d", convolved)
    yield bias("ssm_dt", s.heads)
    yield Tensor("ssm_a", (1, s.heads), "f32")
    yield Tensor("ssm_d", (1, s.heads), "f32")
    yield weight("ssm_norm", s.inner // s.groups, s.groups)
    yield weight("ssm_out", s.inner, a.embedding)


def compressed_attention(architecture: Architecture, layer: int) -> Iterator[Tensor]:
    """DeepSeek V4: one key head, and what makes compressed rows and chooses among them."""
    a, c = architecture, required(architecture.compressed)
    yield weight("attn_sinks", a.heads)
    yield weight("attn_q_a", a.embedding, c.q_rank)
    yield norm("attn_q_a_norm", c.q_rank)
    yield weight("attn_q_b", c.q_rank, a.heads * a.key_dim)
    yield weight("attn_kv", a.embedding, a.key_dim)
    yield norm("attn_kv_a_norm", a.key_dim)
    yield weight("attn_output_a", a.heads * a.key_dim // c.o_groups, c.o_rank * c.o_groups)
    yield weight("attn_output_b", c.o_groups * c.o_rank, a.embedding)
    ratio = compression(a, layer)
    if ratio:
        yield from _compressor(a, "attn_compressor", a.key_dim, ratio)
    if ratio == 4:
        yield weight("indexer.proj", a.embedding, c.index_heads)
        yield weight("indexer.attn_q_b", c.q_rank, c.index_heads * c.index_dim)
        yield from _compressor(a, "indexer_compressor", c.index_dim, ratio)


def _compressor(architecture: Architecture, name: str, width: int, ratio: int) -> Iterator[Tensor]:
    wide = 2 * width if ratio == 4 else width
    yield weight(f"{name}_kv", architecture.embedding, wide)
    yield weight(f"{name}_gate", architecture.embedding, wide)
    yield weight(f"{name}_ape", wide, ratio)
    yield norm(f"{name}_norm", width)


def hyper_connections(architecture: Architecture, count: int) -> Iterator[Tensor]:
    mixed = (2 + count) * count
    for part in ("attn", "ffn"):
        yield weight(f"hc_{part}_fn", count * architecture.embedding, mixed)
        yield weight(f"hc_{part}_base", mixed)
        yield weight(f"hc_{part}_scale", 3)


def feed_forward(architecture: Architecture) -> Iterator[Tensor]:
    a = architecture
    yield weight("ffn_gate", a.embedding, a.feed_forward)
    yield weight("ffn_up", a.embedding, a.feed_forward)
    yield weight("ffn_down", a.feed_forward, a.embedding)


def experts(architecture: Architecture, layer: int, *, biased: bool = False) -> Iterator[Tensor]:
    a, e = architecture, required(architecture.experts)
    yield weight("ffn_gate_inp", a.embedding, e.count)
    yield weight("ffn_gate_exps", a.embedding, e.feed_forward, e.count)
    yield weight("ffn_up_exps", a.embedding, e.feed_forward, e.count)
    yield weight("ffn_down_exps", e.feed_forward, a.embedding, e.count)
    if biased:
        yield bias("ffn_gate_inp", e.count)
        yield bias("ffn_gate_exps", e.feed_forward, e.count)
        yield bias("ffn_up_exps", e.feed_forward, e.count)
        yield bias("ffn_down_exps", a.embedding, e.count)
    if a.family == "deepseek4" and layer < HASH_LAYERS:
        yield Tensor("ffn_gate_tid2eid.weight", (e.used, a.vocabulary), "i32")
    elif selection_bias(a):
        yield bias("exp_probs_b", e.count)
    if e.shared_feed_forward:
        yield weight("ffn_gate_shexp", a.embedding, e.shared_feed_forward)
        yield weight("ffn_up_shexp", a.embedding, e.shared_feed_forward)
        yield weight("ffn_down_shexp", e.shared_feed_forward, a.embedding)
        if a.family == "qwen3next":
            yield weight("ffn_gate_inp_shexp", a.embedding)


def selection_bias(architecture: Architecture) -> bool:
    """Whether experts are chosen with a bias per expert: DeepSeek V3 (256 experts, V2 has fewer) and V4."""
    experts = architecture.experts
    third = architecture.family == "deepseek2" and experts is not None and experts.count >= 256
    return third or architecture.family == "deepseek4"


def encoder_block(architecture: Architecture, _layer: int) -> Iterator[Tensor]:
    """BERT's with biases everywhere; nomic's has none, and a gate."""
    a, plain = architecture, architecture.family == "bert"
    for name in ("attn_q", "attn_k", "attn_v") if plain else ("attn_qkv",):
        width = a.embedding if plain else 3 * a.embedding
        yield weight(name, a.embedding, width)
        if plain:
            yield bias(name, width)
    yield weight("attn_output", a.embedding, a.embedding)
    yield weight("ffn_up", a.embedding, a.feed_forward)
    yield weight("ffn_down", a.feed_forward, a.embedding)
    if plain:
        yield bias("attn_output", a.embedding)
        yield bias("ffn_up", a.feed_forward)
        yield bias("ffn_down", a.embedding)
    else:
        yield weight("ffn_gate", a.embedding, a.feed_forward)
    for name in ("attn_output_norm", "layer_output_norm"):
        yield norm(name, a.embedding)
        yield bias(name, a.embedding)
