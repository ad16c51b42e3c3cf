"""GGUF files of real headers and no data: what llama.cpp needs to size a model, in a file that takes no disk.

Keys as conversion/*.py of the pinned llama.cpp build writes them, where the size of anything depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import gguf
import numpy as np

from provision.models.architecture import Architecture
from provision.planner.memory.ggml import BLOCKS, Tensor
from provision.planner.memory.layers import HASH_LAYERS, HYPER_CONNECTIONS, compression
from provision.planner.memory.tensors import TOKEN_TYPES, list_tensors

Value = int | float | str | bool | list[int] | list[float]

_SOFTMAX, _SIGMOID, _SQRT_SOFTPLUS = 1, 2, 4
"""`llama_expert_gating_func_type` (src/llama-hparams.h)."""
_GROUPED = {160: (8, 3), 256: (8, 4)}
"""DeepSeek's `n_group` and `topk_group` by count of experts (V2 and V3)."""


def write_gguf(architecture: Architecture, quant: str, path: Path) -> None:
    """Write the header of the model's file; the tensors' data is a hole, so that loading reads zeros."""
    write_header(architecture, list_tensors(architecture, quant), path)


def write_header(architecture: Architecture, tensors: Iterable[Tensor], path: Path) -> None:
    writer = gguf.GGUFWriter(path, architecture.family)
    for key, value in _metadata(architecture):
        _add(writer, key, value)
    alignment, size = writer.data_alignment, 0
    for tensor in tensors:
        kind = gguf.GGMLQuantizationType(BLOCKS[tensor.type].number)
        writer.add_tensor_info(tensor.name, tensor.shape[::-1], np.dtype(np.float32), tensor.size, kind)
        size += -(-tensor.size // alignment) * alignment
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with path.open("r+b") as file:
        header = file.seek(0, 2)
        file.truncate(-(-header // alignment) * alignment + size)


def _add(writer: gguf.GGUFWriter, key: str, value: Value) -> None:
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, value)


def _metadata(architecture: Architecture) -> Iterator[tuple[str, Value]]:
    a = architecture
    for key, value in (*_common(a), *_attention(a), *_experts(a), *_state_space(a), *_compressed(a)):
        yield f"{a.family}.{key}", value
    yield "tokenizer.ggml.model", "none"
    if a.encoder:
        yield "tokenizer.ggml.token_type_count", TOKEN_TYPES[a.family]


def _common(a: Architecture) -> Iterator[tuple[str, Value]]:
    yield "vocab_size", a.vocabulary
    yield "block_count", a.layers
    yield "context_length", a.max_context
    yield "embedding_length", a.embedding
    yield "feed_forward_length", a.feed_forward or (a.experts.feed_forward if a.experts else 0)
    yield "attention.layer_norm_rms_epsilon", 1e-5
    yield "attention.layer_norm_epsilon", 1e-5
    if a.encoder:
        yield "attention.causal", False
        yield "pooling_type", 1 if a.family == "nomic-bert" else 2


def _attention(a: Architecture) -> Iterator[tuple[str, Value]]:
    yield "attention.head_count", a.heads
    if not a.heads:
        return
    yield "attention.head_count_kv", a.kv_heads
    yield "attention.key_length", a.key_dim
    yield "attention.value_length", a.value_dim
    yield "rope.dimension_count", _rotated(a)
    if a.window and a.family != "llama4":
        yield "attention.sliding_window", a.window.tokens
    if a.latent:
        if a.latent.q_rank:
            yield "attention.q_lora_rank", a.latent.q_rank
        yield "attention.kv_lora_rank", a.latent.kv_rank
        yield "attention.key_length_mla", a.latent.nope_dim + a.latent.rope_dim
        yield "attention.value_length_mla", a.latent.value_dim


def _rotated(a: Architecture) -> int:
    if a.latent:
        return a.latent.rope_dim
    if a.compressed:
        return a.compressed.rope_dim
    return a.key_dim // 4 if a.family == "qwen3next" else a.key_dim


def _experts(a: Architecture) -> Iterator[tuple[str, Value]]:
    e = a.experts
    if e is None:
        return
    yield "expert_count", e.count
    yield "expert_used_count", e.used
    yield "expert_feed_forward_length", e.feed_forward
    yield "interleave_moe_layer_step", e.every
    yield "leading_dense_block_count", e.leading_dense
    yield "expert_weights_scale", 2.5 if a.family == "deepseek2" and e.count == 256 else 1.5
    yield "expert_weights_norm", a.family == "deepseek4" or e.count == 256
    if a.family == "deepseek4":
        yield "expert_gating_func", _SQRT_SOFTPLUS
    elif a.family == "deepseek2":
        yield "expert_gating_func", _SIGMOID if e.count == 256 else _SOFTMAX
        if e.count in _GROUPED:
            yield "expert_group_count", _GROUPED[e.count][0]
            yield "expert_group_used_count", _GROUPED[e.count][1]
    if e.shared_feed_forward:
        yield "expert_shared_count", e.shared_feed_forward // e.feed_forward
        yield "expert_shared_feed_forward_length", e.shared_feed_forward


def _state_space(a: Architecture) -> Iterator[tuple[str, Value]]:
    s = a.state_space
    if s is None:
        return
    yield "ssm.conv_kernel", s.conv_kernel
    yield "ssm.inner_size", s.inner
    yield "ssm.state_size", s.state
    yield "ssm.time_step_rank", s.heads
    yield "ssm.group_count", s.groups
    if a.full_attention_every:
        yield "full_attention_interval", a.full_attention_every


def _compressed(a: Architecture) -> Iterator[tuple[str, Value]]:
    c = a.compressed
    if c is None:
        return
    yield "attention.q_lora_rank", c.q_rank
    yield "swiglu_clamp_exp", [10.0] * a.layers
    yield "attention.indexer.head_count", c.index_heads
    yield "attention.indexer.key_length", c.index_dim
    yield "attention.indexer.top_k", 512
    yield "attention.output_group_count", c.o_groups
    yield "attention.output_lora_rank", c.o_rank
    yield "attention.compress_rope_freq_base", 40000.0
    yield "attention.compress_ratios", [compression(a, layer) for layer in range(a.layers)]
    yield "hyper_connection.count", HYPER_CONNECTIONS
    yield "hyper_connection.sinkhorn_iterations", 20
    yield "hyper_connection.epsilon", 1e-6
    yield "hash_layer_count", HASH_LAYERS
    yield "embedding_length_out", a.embedding * HYPER_CONNECTIONS
