"""Which type llama.cpp's quantiser gives each tensor: a file called Q4_K_M mixes several.

Source: src/llama-quant.cpp of the pinned build: `tensor_allows_quantization`, `llama_tensor_get_type_impl`,
`tensor_type_fallback`; without an importance matrix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from provision.models.architecture import Architecture
from provision.planner.memory.ggml import BLOCKS, GgmlType, Tensor

Mixture = Literal["f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "q4_0", "q3_k_m", "mxfp4"]

_DEFAULT: dict[str, GgmlType] = {
    "f16": "f16",
    "bf16": "bf16",
    "q8_0": "q8_0",
    "q6_k": "q6_k",
    "q5_k_m": "q5_k",
    "q5_k_s": "q5_k",
    "q4_k_m": "q4_k",
    "q4_k_s": "q4_k",
    "q4_0": "q4_0",
    "q3_k_m": "q3_k",
    "mxfp4": "mxfp4",
}
MIXTURES: tuple[str, ...] = tuple(_DEFAULT)

_KEPT = ("_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "ssm_conv1d", "position_embd", "token_types")
"""Tensors that stay as they were converted: f32, the routing table i32."""
_FALLBACK: dict[GgmlType, GgmlType] = {"q3_k": "q4_0", "q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0"}
"""For rows that are no multiple of 256 values."""


def quantise(architecture: Architecture, shapes: Iterable[Tensor], mixture: str) -> Iterator[Tensor]:
    """The tensors of a converted model, in the file's order, with the types of `mixture`."""
    tensors = list(shapes)
    names = [tensor.name for tensor in tensors]
    tied = "output.weight" not in names
    values = sum(_is_value(name) for name in names)
    seen = 0
    for tensor in tensors:
        if not _may_quantise(tensor):
            yield tensor
            continue
        kind = _choose(architecture, tensor, mixture, tied=tied, value=(seen, values))
        seen += _is_value(tensor.name)
        yield tensor._replace(type=_fit(kind, tensor.shape[0]))


def _may_quantise(tensor: Tensor) -> bool:
    return len(tensor.shape) > 1 and tensor.name.endswith("weight") and not any(k in tensor.name for k in _KEPT)


def _is_value(name: str) -> bool:
    return any(part in name for part in ("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight"))


def _choose(
    architecture: Architecture, tensor: Tensor, mixture: str, *, tied: bool, value: tuple[int, int]
) -> GgmlType:
    default = _DEFAULT[mixture]
    name, experts = tensor.name, architecture.experts
    if mixture in ("f16", "bf16"):
        return default
    if name == "output.weight" or (tied and name == "token_embd.weight"):
        return _choose_output(tensor, mixture)
    if mixture == "mxfp4":
        return "mxfp4" if len(tensor.shape) > 2 else "q8_0"
    if name == "token_embd.weight":
        return default
    eight = experts is not None and experts.count == 8
    if _is_value(name):
        return _choose_value(architecture, mixture, *value, eight=eight)
    if "attn_k.weight" in name:
        return "q8_0" if eight else default
    if "ffn_down" in name:
        return _choose_down(mixture, _layer_of(name), architecture.layers)
    if "attn_output.weight" in name:
        if eight:
            return "q5_k" if mixture in ("q3_k_m", "q4_k_s", "q4_k_m") else default
        return "q4_k" if mixture == "q3_k_m" else default
    return default


def _choose_output(tensor: Tensor, mixture: str) -> GgmlType:
    default = _DEFAULT[mixture]
    if mixture == "mxfp4" or tensor.shape[0] % BLOCKS[default].values:
        return "q8_0"
    return default if default == "q8_0" else "q6_k"


def _choose_value(architecture: Architecture, mixture: str, seen: int, count: int, *, eight: bool) -> GgmlType:
    kind = _DEFAULT[mixture]
    if mixture == "q3_k_m":
        kind = "q5_k" if seen < 2 else "q4_k"
    elif mixture in ("q4_k_m", "q5_k_m") and _more_bits(seen, count):
        kind = "q6_k"
    elif mixture == "q4_k_s" and seen < 4:
        kind = "q5_k"
    if _is_70b(architecture) and kind in ("q3_k", "q4_k"):
        kind = "q5_k"
    return "q8_0" if eight else kind


def _choose_down(mixture: str, layer: int, layers: int) -> GgmlType:
    if mixture == "q3_k_m":
        return "q5_k" if layer < layers // 16 else "q4_k"
    if mixture in ("q4_k_m", "q5_k_m") and _more_bits(layer, layers):
        return "q6_k"
    if mixture == "q4_k_s" and layer < layers // 8:
        return "q5_k"
    return _DEFAULT[mixture]


def _more_bits(index: int, count: int) -> bool:
    return index < count // 8 or index >= 7 * count // 8 or (index - count // 8) % 3 == 2


def _is_70b(architecture: Architecture) -> bool:
    """`LLM_TYPE_70B`: 80 layers with grouped heads of the families llama and qwen2."""
    if architecture.layers != 80:
        return False
    return architecture.family == "qwen2" or (
        architecture.family == "llama" and architecture.heads != architecture.kv_heads
    )


def _layer_of(name: str) -> int:
    match = re.match(r"blk\.(\d+)\.", name)
    return int(match[1]) if match else 0


def _fit(kind: GgmlType, width: int) -> GgmlType:
    if width % BLOCKS[kind].values == 0:
        return kind
    smaller = _FALLBACK.get(kind, kind)
    return smaller if width % BLOCKS[smaller].values == 0 else "f16"
