"""The attention and the recurrent state of a model, read from its facts. Widths in elements."""

from __future__ import annotations

from provision.headers.facts import Facts
from provision.models.architecture import CompressedAttention, LatentAttention, StateSpace
from provision.models.base import Frozen


class Heads(Frozen):
    """Widths of one head's key and value in elements."""

    heads: int = 0
    kv_heads: int = 0
    key_dim: int = 0
    value_dim: int = 0


def read_heads(facts: Facts, embedding: int) -> Heads:
    heads = facts.largest("attention.head_count", least=1)
    kv_heads = facts.largest("attention.head_count_kv", heads, least=1)
    width = embedding // heads
    if kv_heads > heads:
        raise facts.error(f"attention.head_count_kv is {kv_heads}, more than the {heads} heads")
    return Heads(
        heads=heads,
        kv_heads=kv_heads,
        key_dim=facts.number("attention.key_length", width, least=1),
        value_dim=facts.number("attention.value_length", width, least=1),
    )


def read_state(facts: Facts) -> StateSpace:
    return StateSpace(
        conv_kernel=facts.number("ssm.conv_kernel", least=1),
        inner=facts.number("ssm.inner_size", least=1),
        state=facts.number("ssm.state_size", least=1),
        groups=facts.number("ssm.group_count", 0),
        heads=facts.number("ssm.time_step_rank", least=1),
    )


def read_latent(facts: Facts, notes: list[str]) -> LatentAttention | None:
    """None for old conversions: without the two MLA keys llama.cpp caches every head (`llama_hparams::is_mla`)."""
    key, value = (facts.number(f"attention.{name}_length_mla", 0) for name in ("key", "value"))
    if not key or not value:
        notes.append("an old conversion without the MLA keys: its cache holds every head")
        return None
    rope = facts.number("rope.dimension_count", least=1)
    if key <= rope:
        raise facts.error(f"attention.key_length_mla is {key}, not more than its {rope} rotary elements")
    rank = facts.number("attention.q_lora_rank", 0)
    return LatentAttention(
        kv_rank=facts.number("attention.kv_lora_rank", least=1),
        rope_dim=rope,
        nope_dim=key - rope,
        value_dim=value,
        q_rank=rank or None,
    )


def read_compressed(facts: Facts, layers: int, notes: list[str]) -> CompressedAttention:
    ratios = facts.per_layer("attention.compress_ratios", layers)
    if ratios is None:
        raise facts.error("attention.compress_ratios is missing: it says which layers keep compressed rows")
    if other := sorted(set(ratios) - {0, 4, 128}):
        notes.append(f"its compression ratios {other[:4]} are not counted; 4 and 128 are")
    return CompressedAttention(
        ratio4_layers=ratios.count(4),
        ratio128_layers=ratios.count(128),
        index_dim=facts.number("attention.indexer.key_length", least=1),
        index_heads=facts.number("attention.indexer.head_count", least=1),
        q_rank=facts.number("attention.q_lora_rank", least=1),
        o_rank=facts.number("attention.output_lora_rank", least=1),
        o_groups=facts.number("attention.output_group_count", least=1),
        rope_dim=facts.number("rope.dimension_count", least=1),
    )
