"""The tensors of a model's GGUF file, from its hyper-parameters.

Source: `load_arch_tensors` of src/models/*.cpp in the pinned llama.cpp build, and conversion/*.py for what a current
conversion writes (latent attention in split form, experts' gates and ups apart). Prediction layers (MTP) are left out:
the engine loads them only when asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from provision.models.architecture import Architecture
from provision.planner.memory.block_tensors import (
    attention,
    compressed_attention,
    delta_net,
    encoder_block,
    experts,
    feed_forward,
    hyper_connections,
    latent_attention,
    mamba,
    norm,
)
from provision.planner.memory.ggml import Tensor
from provision.planner.memory.layers import HYPER_CONNECTIONS, has_experts, is_recurrent
from provision.planner.memory.quantisation import quantise


class _Family(NamedTuple):
    block: Callable[[Architecture, int], Iterator[Tensor]]
    ends: Callable[[Architecture], Iterator[Tensor]]


@cache
def list_tensors(architecture: Architecture, quant: str) -> tuple[Tensor, ...]:
    """The tensors of the file that llama.cpp's quantiser writes for `quant` (see `quantisation.MIXTURES`).

    Raises KeyError for a family that the pinned build or this model does not know, see `FAMILIES`.
    """
    return tuple(quantise(architecture, _shapes(architecture), quant))


def _shapes(architecture: Architecture) -> Iterator[Tensor]:
    family = FAMILIES[architecture.family]
    yield from family.ends(architecture)
    for layer in range(architecture.layers):
        for tensor in family.block(architecture, layer):
            yield tensor._replace(name=f"blk.{layer}.{tensor.name}")


def _decoder_ends(architecture: Architecture) -> Iterator[Tensor]:
    yield Tensor("token_embd.weight", (architecture.embedding, architecture.vocabulary), "f32")
    yield norm("output_norm", architecture.embedding)
    if not architecture.tied_embeddings:
        yield Tensor("output.weight", (architecture.embedding, architecture.vocabulary), "f32")


def _compressed_ends(architecture: Architecture) -> Iterator[Tensor]:
    yield from _decoder_ends(architecture)
    wide = HYPER_CONNECTIONS * architecture.embedding
    yield Tensor("output_hc_fn.weight", (wide, HYPER_CONNECTIONS), "f32")
    yield Tensor("output_hc_base.weight", (HYPER_CONNECTIONS,), "f32")
    yield Tensor("output_hc_scale.weight", (1,), "f32")


def _encoder_ends(architecture: Architecture) -> Iterator[Tensor]:
    width = architecture.embedding
    yield Tensor("token_embd.weight", (width, architecture.vocabulary), "f32")
    yield Tensor("token_types.weight", (width, TOKEN_TYPES[architecture.family]), "f32")
    if architecture.family == "bert":
        yield Tensor("position_embd.weight", (width, architecture.max_context), "f32")
    yield norm("token_embd_norm", width)
    yield Tensor("token_embd_norm.bias", (width,), "f32")


TOKEN_TYPES = {"bert": 1, "nomic-bert": 2}
"""`type_vocab_size` of XLM-RoBERTa (bge-m3) and of BERT (nomic-embed-text)."""


def _gpt_oss_block(architecture: Architecture, layer: int) -> Iterator[Tensor]:
    yield norm("attn_norm", architecture.embedding)
    yield norm("post_attention_norm", architecture.embedding)
    yield from attention(architecture)
    yield Tensor("attn_output.bias", (architecture.embedding,), "f32")
    yield Tensor("attn_sinks.weight", (architecture.heads,), "f32")
    yield from experts(architecture, layer, biased=True)


def _decoder_block(architecture: Architecture, layer: int) -> Iterator[Tensor]:
    yield norm("attn_norm", architecture.embedding)
    if is_recurrent(architecture, layer):
        yield from delta_net(architecture)
    elif architecture.latent:
        yield from latent_attention(architecture, architecture.latent)
    else:
        yield from attention(architecture)
    yield norm("post_attention_norm" if architecture.family == "qwen3next" else "ffn_norm", architecture.embedding)
    if has_experts(architecture, layer):
        yield from experts(architecture, layer)
    else:
        yield from feed_forward(architecture)


def _gemma_block(architecture: Architecture, layer: int) -> Iterator[Tensor]:
    yield from _decoder_block(architecture, layer)
    yield norm("post_attention_norm", architecture.embedding)
    yield norm("post_ffw_norm", architecture.embedding)


def _mamba_block(architecture: Architecture, _layer: int) -> Iterator[Tensor]:
    yield norm("attn_norm", architecture.embedding)
    yield from mamba(architecture)


def _compressed_block(architecture: Architecture, layer: int) -> Iterator[Tensor]:
    yield norm("attn_norm", architecture.embedding)
    yield from compressed_attention(architecture, layer)
    yield from hyper_connections(architecture, HYPER_CONNECTIONS)
    yield norm("ffn_norm", architecture.embedding)
    yield from experts(architecture, layer)


_DECODER = _Family(_decoder_block, _decoder_ends)
_ENCODER = _Family(encoder_block, _encoder_ends)
FAMILIES: dict[str, _Family] = {
    "llama": _DECODER,
    "mistral3": _DECODER,
    "qwen2": _DECODER,
    "qwen3": _DECODER,
    "qwen3moe": _DECODER,
    "qwen3next": _DECODER,
    "llama4": _DECODER,
    "deepseek2": _DECODER,
    "gpt-oss": _Family(_gpt_oss_block, _decoder_ends),
    "gemma3": _Family(_gemma_block, _decoder_ends),
    "mamba2": _Family(_mamba_block, _decoder_ends),
    "deepseek4": _Family(_compressed_block, _compressed_ends),
    "bert": _ENCODER,
    "nomic-bert": _ENCODER,
}
