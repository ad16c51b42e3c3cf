"""Writes Hugging Face folders: `config.json`, safetensors files whose data is a hole, and their index."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

from provision.headers.safetensors import DTYPE_BITS

Tensors = Mapping[str, tuple[str, tuple[int, ...]]]


def entries_of(tensors: Tensors) -> dict[str, dict[str, object]]:
    entries: dict[str, dict[str, object]] = {}
    offset = 0
    for name, (dtype, shape) in tensors.items():
        end = offset + math.prod(shape) * DTYPE_BITS[dtype] // 8
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    return entries


def write_header(path: Path, header: Mapping[str, object] | bytes, data: int = 0) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        file.truncate(8 + len(raw) + data)
    return path


def write_safetensors(path: Path, tensors: Tensors) -> Path:
    size = sum(math.prod(shape) * DTYPE_BITS[dtype] // 8 for dtype, shape in tensors.values())
    return write_header(path, {"__metadata__": {"format": "pt"}, **entries_of(tensors)}, size)


def write_config(folder: Path, config: Mapping[str, object]) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def write_index(folder: Path, files: Mapping[str, Tensors], total: object = None) -> None:
    index: dict[str, object] = {"weight_map": {name: file for file, tensors in files.items() for name in tensors}}
    if total is not None:
        index["metadata"] = {"total_size": total}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
