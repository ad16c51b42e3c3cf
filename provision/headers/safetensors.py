"""The header of a safetensors file: names, types and sizes of its tensors.

Format: README of huggingface/safetensors, 'Format' (8 bytes of length, JSON, data), and `safetensors/src/tensor.rs`:
headers of 100 MB at most, tensors without gaps, the last one ending with the file.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from provision.errors import UsageError
from provision.headers.json_file import INDEX_LIMIT, parse_json
from provision.headers.source import open_file, shown
from provision.models.tensors import TensorInfo

FORMAT_LIMIT = 100_000_000
_MAX_TENSORS = 32_768
_MAX_DIMENSIONS = 16
DTYPE_BITS = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}
"""Bits per element: `Dtype::bitsize` of `safetensors/src/tensor.rs`."""


def read_safetensors(path: Path) -> tuple[TensorInfo, ...]:
    """The tensors in the order of their data; `shape` ends with the row's length.

    Raises UsageError where the file is missing, truncated or contradicts itself.
    """
    with open_file(path) as (file, size):
        head = file.read(8)
        length = int.from_bytes(head, "little")
        if len(head) < 8:
            raise _error(path, f"is truncated: {size} bytes are too few for a header's length")
        if length > FORMAT_LIMIT:
            raise _error(path, f"claims a header of {length} bytes; the format allows {FORMAT_LIMIT}")
        if length > INDEX_LIMIT:
            raise _error(path, f"has a header of {length} bytes; provision reads up to {INDEX_LIMIT}")
        if 8 + length > size:
            raise _error(path, f"is truncated: its header takes {length} bytes, the file has {size}")
        raw = file.read(length)
    tensors = _read_entries(parse_json(raw, path), path)
    end = 8 + length + tensors[-1][1] if tensors else 8 + length
    if end > size:
        raise _error(path, f"is truncated: its tensors end at byte {end}, the file at {size}")
    if end < size:
        raise _error(path, f"has {size - end} bytes after its last tensor")
    return tuple(tensor for tensor, _ in tensors)


def _read_entries(header: dict[str, Any], path: Path) -> list[tuple[TensorInfo, int]]:
    """Each tensor with the offset of its end."""
    header.pop("__metadata__", None)
    if len(header) > _MAX_TENSORS:
        raise _error(path, f"has {len(header)} tensors; {_MAX_TENSORS} is the most")
    places = sorted((_read_offsets(name, entry, path), name) for name, entry in header.items())
    found: list[tuple[TensorInfo, int]] = []
    expected = 0
    for (begin, end), name in places:
        if begin != expected:
            fault = "overlaps the one before it" if begin < expected else "leaves a gap to the one before it"
            raise _error(path, f"has the tensor '{shown(name)}' at {begin} instead of {expected}: it {fault}")
        found.append((_read_entry(name, header[name], end - begin, path), end))
        expected = end
    return found


def _read_offsets(name: str, entry: object, path: Path) -> tuple[int, int]:
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if isinstance(offsets, list) and len(offsets) == 2:
        begin, end = offsets
        if type(begin) is int and type(end) is int and 0 <= begin <= end:
            return begin, end
    raise _error(path, f"has no valid data_offsets for the tensor '{shown(name)}'")


def _read_entry(name: str, entry: dict[str, Any], length: int, path: Path) -> TensorInfo:
    dtype, shape = entry.get("dtype"), entry.get("shape")
    bits = DTYPE_BITS.get(dtype) if isinstance(dtype, str) else None
    if not isinstance(dtype, str) or bits is None:
        kind = shown(dtype) if isinstance(dtype, str) else type(dtype).__name__
        raise _error(path, f"has the tensor '{shown(name)}' of the unknown type '{kind}'")
    if (
        not isinstance(shape, list)
        or len(shape) > _MAX_DIMENSIONS
        or not all(type(side) is int and 0 <= side < 2**63 for side in shape)
    ):
        raise _error(path, f"has no valid shape for the tensor '{shown(name)}'")
    if math.prod(shape) * bits != length * 8:
        raise _error(path, f"has the tensor '{shown(name)}' in {length} bytes, which its shape does not give")
    return TensorInfo(name=name, shape=tuple(shape), type=dtype.lower(), bytes=length)


def _error(path: Path, what: str) -> UsageError:
    return UsageError(
        f"{shown(path.name)} {what}",
        where=shown(str(path)),
        hint="fetch the file again and compare its checksum with the publisher's",
    )
