"""The list of tensors in a GGUF header: names, shapes, types and places."""

from __future__ import annotations

import math

from provision.headers.ggml_types import REMOVED_TYPES
from provision.headers.source import Source, shown
from provision.models.ggml import GGML_TYPES
from provision.models.tensors import TensorInfo

_MAX_NAME_BYTES = 63
"""GGML_MAX_NAME of `ggml/include/ggml.h` less the closing zero."""
_MAX_DIMENSIONS = 4
_INT64_MAX = 2**63 - 1


def read_tensors(source: Source, count: int, alignment: int) -> tuple[TensorInfo, ...]:
    """Each tensor begins where the one before it ends, padded: so none overlaps another or lies outside the file."""
    tensors: dict[str, TensorInfo] = {}
    expected = 0
    for index in range(count):
        tensor = _read_tensor(source, index)
        if tensor.name in tensors:
            raise source.error(f"has the tensor '{shown(tensor.name)}' twice")
        offset = source.u64("bytes of an offset")
        if offset != expected:
            fault = "overlaps the one before it" if offset < expected else "leaves a gap to the one before it"
            raise source.error(f"has the tensor '{shown(tensor.name)}' at {offset} instead of {expected}: it {fault}")
        tensors[tensor.name] = tensor
        expected += _padded(tensor.bytes, alignment)
    if tensors:
        *_, last = tensors.values()
        end = _padded(source.position, alignment) + expected - _padded(last.bytes, alignment) + last.bytes
        if end > source.size:
            raise source.error(f"is truncated: its tensors end at byte {end}, the file at {source.size}")
    return tuple(tensors.values())


def _read_tensor(source: Source, index: int) -> TensorInfo:
    name = source.text(_MAX_NAME_BYTES, "a tensor's name")
    if not name:
        raise source.error(f"has no name for tensor {index}")
    dimensions = source.u32("bytes of a tensor's dimensions")
    if dimensions > _MAX_DIMENSIONS:
        raise source.error(
            f"has the tensor '{shown(name)}' with {dimensions} dimensions; {_MAX_DIMENSIONS} is the most"
        )
    shape = tuple(source.u64("bytes of a tensor's shape") for _ in range(dimensions))
    if max(shape, default=0) > _INT64_MAX or math.prod(shape) > _INT64_MAX:
        raise source.error(f"has the tensor '{shown(name)}' with the impossible shape {shape}")
    number = source.u32("bytes of a tensor's type")
    kind = GGML_TYPES.get(number)
    if kind is None:
        known = f"'{REMOVED_TYPES[number]}', which was removed" if number in REMOVED_TYPES else "which is unknown"
        raise source.error(
            f"has the tensor '{shown(name)}' of ggml type {number}, {known}", "use a file made for a current llama.cpp"
        )
    row = shape[0] if shape else 1
    if row % kind.block:
        raise source.error(f"has the tensor '{shown(name)}' with rows of {row}; {kind.name} has blocks of {kind.block}")
    return TensorInfo(name=name, shape=shape, type=kind.name, bytes=math.prod(shape) // kind.block * kind.bytes)


def _padded(length: int, alignment: int) -> int:
    return -(-length // alignment) * alignment
