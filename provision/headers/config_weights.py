"""How many bytes the weights beside a `config.json` have."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from provision.errors import UsageError
from provision.headers.families import KNOWN
from provision.headers.json_file import INDEX_LIMIT, load_json
from provision.headers.safetensors import read_safetensors
from provision.headers.source import kind_of, shown
from provision.models.architecture import Architecture
from provision.models.base import Frozen
from provision.models.tensors import TensorInfo

_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
_SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.safetensors")
"""A name in the same folder: an index must not lead elsewhere."""
_MAX_SHARDS = 1024
_LAYER = re.compile(r"(?:^|\.)layers\.(\d{1,9})\.")
_KEY_PROJECTION = re.compile(r"(?:^|\.)layers\.\d{1,9}\.self_attn\.k_proj\.weight")
_PLAIN_TYPES = ("f32", "f16", "bf16", "f8_e4m3", "f8_e5m2")
_MIB = 1 << 20


class ConfigWeights(Frozen):
    """`type` is the element type of most bytes, None where only the index was read."""

    bytes: int
    type: str | None


def read_weights(folder: Path, architecture: Architecture, notes: list[str]) -> ConfigWeights | None:
    """From the safetensors headers where every file is there, else from the index; None without either.

    Raises UsageError where a file is damaged, or its tensors contradict the configuration.
    """
    if kind_of(folder / _INDEX):
        index = load_json(folder / _INDEX, INDEX_LIMIT)
        names = _list_shards(index, folder)
        if not all(kind_of(folder / name) for name in names):
            notes.append("the weights' size is the index's: not every file that it names is there")
            return ConfigWeights(bytes=_read_total(index, folder), type=None)
    elif kind_of(folder / _SINGLE):
        names = [_SINGLE]
    else:
        notes.append("no safetensors files or index beside the configuration: the weights' size is not known")
        return None
    return _add_up([folder / name for name in names], architecture, notes)


def _list_shards(index: dict[str, Any], folder: Path) -> list[str]:
    named = index.get("weight_map")
    if not isinstance(named, dict) or not named:
        raise _error(folder, "has no weight_map")
    names = {name if isinstance(name, str) and _SHARD.fullmatch(name) else "" for name in named.values()}
    if "" in names or len(names) > _MAX_SHARDS:
        raise _error(folder, "names files that are not weights beside it")
    return sorted(names)


def _read_total(index: dict[str, Any], folder: Path) -> int:
    metadata = index.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(total, float) and total.is_integer():
        total = int(total)  # some writers give it as a float
    if type(total) is not int or not 0 < total < 2**63:
        raise _error(folder, "has no valid metadata.total_size, and not every file that it names is there")
    return total


def _add_up(paths: list[Path], architecture: Architecture, notes: list[str]) -> ConfigWeights:
    by_type: Counter[str] = Counter()
    left_out = 0
    for path in paths:
        for tensor in read_safetensors(path):
            if _is_prediction(tensor.name, architecture.layers):
                left_out += tensor.bytes
                continue
            _check_kv(tensor, architecture, path)
            by_type[tensor.type] += tensor.bytes
    if left_out:
        notes.append(f"left out: {left_out / _MIB:.0f} MiB of a multi-token-prediction head")
    return ConfigWeights(bytes=by_type.total(), type=by_type.most_common(1)[0][0] if by_type else None)


def _is_prediction(name: str, layers: int) -> bool:
    """A multi-token-prediction head: layers after the last one (DeepSeek), or a tree of its own (Qwen3-Next)."""
    layer = _LAYER.search(name)
    return name.startswith("mtp.") or bool(layer and int(layer[1]) >= layers and "vision" not in name)


def _check_kv(tensor: TensorInfo, architecture: Architecture, path: Path) -> None:
    """Re-uploads of Llama 3.1 405B give 16 KV heads for weights of 8 (research/vram.md, 1.4)."""
    if (
        architecture.family not in KNOWN
        or architecture.latent
        or not _KEY_PROJECTION.search(tensor.name)
        or tensor.type not in _PLAIN_TYPES
    ):
        return
    wanted = architecture.kv_heads * architecture.key_dim
    if "vision" in tensor.name or len(tensor.shape) != 2 or tensor.shape[0] == wanted:
        return
    what = f"{shown(tensor.name)} is {tensor.shape[0]} wide; config.json says {architecture.kv_heads} KV heads"
    raise UsageError(
        f"{what} of {architecture.key_dim}", where=shown(str(path)), hint="take both files from the publisher's page"
    )


def _error(folder: Path, what: str) -> UsageError:
    return UsageError(
        f"{_INDEX} {what}", where=shown(str(folder / _INDEX)), hint="fetch the index again from the model's page"
    )
