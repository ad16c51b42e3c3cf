"""Weights per card under vLLM's tensor parallelism: what is divided, what every card has, what is padded.

Sources: vllm/model_executor/layers/linear.py (QKVParallelLinear replicates K and V once there are more cards than
heads; ReplicatedLinear), vocab_parallel_embedding.py (the vocabulary is padded to 64 rows), models/deepseek_v2.py
(latent projections replicated), models/qwen3_moe.py (router replicated), quantization/mxfp4.py (Marlin pads experts).
"""

from __future__ import annotations

from math import ceil

from provision.errors import PlanError
from provision.models.architecture import Architecture, Experts, Weights
from provision.models.base import Frozen

_VOCABULARY_PADDING = 64
_BF16 = 2


class LayerShape(Frozen):
    """Elements of one layer by how vLLM lays them over the cards."""

    divided: int
    kv: int
    experts: int
    replicated: int


def check_division(architecture: Architecture, cards: int) -> None:
    """Raises PlanError where vLLM refuses to divide the model over so many cards."""
    rows = _pad(architecture.vocabulary, _VOCABULARY_PADDING)
    for what, count in (("attention heads", architecture.heads), ("vocabulary rows", rows)):
        if count % cards:
            raise PlanError(
                f"{count} {what} cannot be divided over {cards} cards",
                where="tensor-parallel",
                hint=f"choose one of {', '.join(str(n) for n in _allowed(architecture.heads, rows))}",
            )


def weight_bytes_per_card(architecture: Architecture, weights: Weights, cards: int) -> int:
    """Bytes on each of the cards, the rotary table (16 bits, whole context) and the vision tower included.

    A tied table is there once: vLLM keeps it on the card as input and output.
    """
    rows = _pad(architecture.vocabulary, _VOCABULARY_PADDING) / architecture.vocabulary / cards
    tables = weights.output_bytes + (0 if architecture.tied_embeddings else weights.input_bytes)
    if architecture.encoder:
        tables = weights.input_bytes + weights.output_bytes
    layers = sum(_layer_bytes(architecture, index, size, cards) for index, size in enumerate(weights.layer_bytes))
    tower = architecture.vision_mib * 2**20 / cards
    return ceil(tables * rows + layers + _rotary_bytes(architecture) + tower)


def describe_layer(architecture: Architecture, index: int) -> LayerShape:
    """Elements of layer `index`."""
    width, experts = architecture.embedding, architecture.experts
    has_experts = experts is not None and index >= experts.leading_dense and (index + 1) % experts.every == 0
    divided, kv, replicated = _attention(architecture, index)
    if experts is not None and has_experts:
        return LayerShape(
            divided=divided + 3 * width * experts.shared_feed_forward,
            kv=kv,
            experts=3 * width * experts.feed_forward * experts.count,
            replicated=replicated + width * experts.count,
        )
    return LayerShape(divided=divided + 3 * width * architecture.feed_forward, kv=kv, experts=0, replicated=replicated)


def _attention(architecture: Architecture, index: int) -> tuple[int, int, int]:
    """Divided, key and value, and replicated elements of what stands before the feed-forward part; norms included."""
    width, heads = architecture.embedding, architecture.heads
    norms = 2 * width
    every = architecture.full_attention_every
    if architecture.state_space is not None and (every is None or (index + 1) % every):
        space = architecture.state_space
        inputs = 2 * space.inner + 2 * space.groups * space.state + space.heads
        return width * (inputs + space.inner), 0, norms
    if architecture.compressed is not None:
        shape = architecture.compressed
        output = shape.o_groups * shape.o_rank * (width + heads * architecture.key_dim // shape.o_groups)
        return (
            shape.q_rank * heads * architecture.key_dim + output,
            0,
            norms + width * (shape.q_rank + architecture.key_dim),
        )
    if architecture.latent is not None:
        latent = architecture.latent
        query = heads * (latent.nope_dim + latent.rope_dim)
        up = latent.kv_rank * heads * (latent.nope_dim + latent.value_dim) + heads * latent.value_dim * width
        down = width * (latent.kv_rank + latent.rope_dim)
        if latent.q_rank is None:
            return up + width * query, 0, norms + down
        return up + latent.q_rank * query, 0, norms + down + width * latent.q_rank
    query = width * heads * architecture.key_dim + heads * architecture.value_dim * width
    return query, width * architecture.kv_heads * (architecture.key_dim + architecture.value_dim), norms


def _layer_bytes(architecture: Architecture, index: int, size: int, cards: int) -> float:
    shape = describe_layer(architecture, index)
    others = shape.divided + shape.kv + shape.replicated
    if architecture.family == "gpt-oss":
        # Its experts have 4 bits and all else 16, so elements do not tell the bytes.
        experts, rest = max(0, size - others * _BF16), min(size, others * _BF16)
    else:
        experts = round(size * shape.experts / (others + shape.experts))
        rest = size - experts
    kv = ceil(architecture.kv_heads / cards) / architecture.kv_heads if architecture.kv_heads else 1 / cards
    share = (shape.divided / cards + shape.kv * kv + shape.replicated) / others
    return rest * share + experts / cards * _expert_padding(architecture, architecture.experts, cards)


def _expert_padding(architecture: Architecture, experts: Experts | None, cards: int) -> float:
    """gpt-oss's MXFP4 experts under Marlin: the inner width in steps of 128, the outer one of 256."""
    if experts is None or architecture.family != "gpt-oss":
        return 1.0
    inner = experts.feed_forward / cards
    return _pad(inner, 128) / inner * _pad(architecture.embedding, 256) / architecture.embedding


def _rotary_bytes(architecture: Architecture) -> int:
    if architecture.encoder:
        return 0
    width = architecture.key_dim if architecture.latent is None else architecture.latent.rope_dim
    return architecture.max_context * width * _BF16


def _allowed(heads: int, rows: int) -> list[int]:
    return [count for count in range(1, 17) if heads % count == 0 and rows % count == 0]


def _pad(size: float, unit: int) -> int:
    return ceil(size / unit) * unit
