"""Writes small GGUF files, well-formed or not: whatever a test asks for. Data is a hole in the file."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from provision.models.ggml import GGML_TYPES

TYPE_NUMBERS = {kind.name: number for number, kind in GGML_TYPES.items()}


class Key(NamedTuple):
    """A value under an explicit type: 'u32', 'u64', 'str' ..., arrays as '[u32]'."""

    type: str
    value: object


class Tensor(NamedTuple):
    name: str
    shape: tuple[int, ...]
    type: str = "f32"
    offset: int | None = None


_CODES = {"u8": (0, "B"), "u32": (4, "I"), "i32": (5, "i"), "f32": (6, "f"), "bool": (7, "?"), "u64": (10, "Q")}


def pack_text(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def pack_value(key: Key) -> bytes:
    if key.type.startswith("["):
        inner = key.type[1:-1]
        items = key.value
        assert isinstance(items, Sequence)
        number = 8 if inner == "str" else _CODES[inner][0]
        head = struct.pack("<IIQ", 9, number, len(items))
        return head + b"".join(_pack_one(inner, item) for item in items)
    number = 8 if key.type == "str" else _CODES[key.type][0]
    return struct.pack("<I", number) + _pack_one(key.type, key.value)


def _pack_one(kind: str, value: object) -> bytes:
    if kind == "str":
        assert isinstance(value, str | bytes)
        return pack_text(value)
    return struct.pack("<" + _CODES[kind][1], value)


def guess(value: object) -> Key:
    """The type that the gguf package gives such a value."""
    if isinstance(value, Key):
        return value
    if isinstance(value, str):
        return Key("str", value)
    if isinstance(value, bool):
        return Key("bool", value)
    if isinstance(value, Sequence):
        return Key(f"[{guess(value[0]).type}]", value)
    return Key("u32", value)


def size_of(tensor: Tensor) -> int:
    kind = GGML_TYPES[TYPE_NUMBERS[tensor.type]]
    elements = 1
    for dimension in tensor.shape:
        elements *= dimension
    return elements // kind.block * kind.bytes


def header_bytes(
    keys: Mapping[str, object], tensors: Sequence[Tensor], *, version: int = 3, alignment: int = 32
) -> tuple[bytes, int]:
    """The header, and how long the whole file has to be."""
    out = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(keys))]
    out += [pack_text(name) + pack_value(guess(value)) for name, value in keys.items()]
    offset = last_end = 0
    for tensor in tensors:
        at = offset if tensor.offset is None else tensor.offset
        out.append(pack_text(tensor.name) + struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape))
        out.append(struct.pack("<IQ", TYPE_NUMBERS[tensor.type], at))
        last_end = offset + size_of(tensor)
        offset = -(-last_end // alignment) * alignment
    header = b"".join(out)
    return header, -(-len(header) // alignment) * alignment + last_end if tensors else len(header)


def write_gguf(path: Path, keys: Mapping[str, object], tensors: Sequence[Tensor] = (), **options: int) -> Path:
    header, size = header_bytes(keys, tensors, **options)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(size)
    return path
