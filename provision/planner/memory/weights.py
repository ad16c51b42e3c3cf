"""Where a model's tensors lie, and what a token reads of them.

Source: src/llama-arch.cpp (LLM_TENSOR_INFOS: input, repeating and output tensors), src/llama-model.cpp
(`load_tensors`: input tensors stay on the host, a tied table is loaded a second time as the output's) of the pinned
llama.cpp build.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Protocol

from provision.models.architecture import Architecture, Weights
from provision.planner.memory.tensors import list_tensors

_INPUT = ("token_embd", "position_embd", "token_types")
_TABLE = "token_embd.weight"
_ROUTING_TABLE = "ffn_gate_tid2eid"


class Sized(Protocol):
    """A tensor, made by the planner or read from a header."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...


@cache
def weigh(architecture: Architecture, quant: str) -> Weights:
    """The weights of the file that llama.cpp's quantiser writes. Raises KeyError as `list_tensors` does."""
    return weigh_tensors(architecture, list_tensors(architecture, quant))


def weigh_tensors(architecture: Architecture, tensors: Iterable[Sized]) -> Weights:
    """The weights of a file with these tensors, bytes. Blocks beyond the model's layers (prediction heads) are not
    loaded by the engine and left out."""
    inputs = output = active = table = 0
    layers = [0] * architecture.layers
    tied = True
    for tensor in tensors:
        size, layer = tensor.size, _layer_of(tensor.name)
        if layer is None and tensor.name.startswith(_INPUT):
            inputs += size
            table = size if tensor.name == _TABLE else table
            continue
        if layer is None:
            output += size
            tied = tied and tensor.name != "output.weight"
        elif layer < architecture.layers:
            layers[layer] += size
        else:
            continue
        active += _read_bytes(architecture, tensor)
    if tied and not architecture.encoder:
        output += table
        active += table
    return Weights(input_bytes=inputs, layer_bytes=tuple(layers), output_bytes=output, active_bytes=active)


def _layer_of(name: str) -> int | None:
    """The block's number; frequencies of the rotation count to the first."""
    if name.startswith("blk."):
        return int(name.split(".")[1])
    return 0 if name.startswith("rope_") else None


def _read_bytes(architecture: Architecture, tensor: Sized) -> int:
    if _ROUTING_TABLE in tensor.name:
        return 0
    experts = architecture.experts
    if experts is None or "_exps." not in tensor.name:
        return tensor.size
    return tensor.size * experts.used // experts.count
