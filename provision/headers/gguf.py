"""The header of a GGUF model, whether it is one file or split into several."""

from __future__ import annotations

import re
from pathlib import Path

from provision.errors import UsageError
from provision.headers.gguf_part import MAX_TENSORS, GgufPart, Value, read_part
from provision.headers.source import HEADER_LIMIT, kind_of, shown
from provision.models.base import Frozen
from provision.models.tensors import TensorInfo

_MAX_PARTS = 1024
_PART_NAME = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)
"""llama.cpp's name of a part (`llama_split_path` in `src/llama.cpp`)."""


class GgufHeader(Frozen):
    """What the header says. `metadata` without the tokenizer and without long texts and arrays; of every array,
    `array_lengths` has the number of elements. Sizes in bytes, of all parts together."""

    path: str
    version: int
    parts: int
    metadata: dict[str, Value]
    array_lengths: dict[str, int]
    tensors: tuple[TensorInfo, ...]
    header_bytes: int
    file_bytes: int


def read_gguf(path: Path) -> GgufHeader:
    """The header of the model that `path` is, or is any part of; all parts are read. GGUF 2 and 3, little endian.

    Reads no tensor's data, keeps no vocabulary. Raises UsageError for a file that is missing, no GGUF, truncated,
    damaged, hostile or larger than any model's header.
    """
    given = read_part(path)
    count = _split_number(path, given, "split.count", 1)
    if count <= 1:
        return _join(path, [given])
    paths = _list_parts(path, count)
    given_index = _split_number(path, given, "split.no", 0)
    parts: list[GgufPart] = []
    bytes_left, tensors_left = HEADER_LIMIT, MAX_TENSORS
    for index, place in enumerate(paths):
        if index == given_index and place == path:
            part = given
        elif kind_of(place) is not None:
            part = read_part(place, limit=bytes_left, max_tensors=tensors_left)
        else:
            what = f"{shown(place.name)}, part {index + 1} of {count}, is missing"
            raise UsageError(what, where=shown(str(place)), hint="put all parts of the model in one folder")
        if _split_number(place, part, "split.no", 0) != index or _split_number(place, part, "split.count", 1) != count:
            raise _split_error(place, f"is not part {index + 1} of {count}, as its name says")
        bytes_left -= part.header_bytes
        tensors_left -= len(part.tensors)
        parts.append(part)
    return _join(path, parts)


def _list_parts(path: Path, count: int) -> list[Path]:
    match = _PART_NAME.fullmatch(path.name)
    if match is None or int(match["count"]) != count:
        raise _split_error(path, f"is one part of {count}, but its name does not say so")
    if count > _MAX_PARTS:
        raise _split_error(path, f"claims to be split into {count} parts; {_MAX_PARTS} is the most")
    return [path.with_name(f"{match['stem']}-{index + 1:05d}-of-{count:05d}.gguf") for index in range(count)]


def _split_number(path: Path, part: GgufPart, key: str, default: int) -> int:
    number = part.metadata.get(key, default)
    if not isinstance(number, int) or number < 0:
        raise _split_error(path, f"has no number in '{key}'")
    return number


def _split_error(path: Path, what: str) -> UsageError:
    hint = "parts are named like model-00001-of-00003.gguf; keep the names they were published under"
    return UsageError(f"{shown(path.name)} {what}", where=shown(str(path)), hint=hint)


def _join(path: Path, parts: list[GgufPart]) -> GgufHeader:
    """The first part describes the model, each holds some of its tensors."""
    first = parts[0]
    tensors: dict[str, TensorInfo] = {}
    for part in parts:
        for tensor in part.tensors:
            if tensor.name in tensors:
                raise _split_error(path, f"has the tensor '{shown(tensor.name)}' in two parts")
            tensors[tensor.name] = tensor
    claimed = _split_number(path, first, "split.tensors.count", len(tensors))
    if claimed != len(tensors):
        raise _split_error(path, f"is incomplete: {len(tensors)} of {claimed} tensors are there")
    return GgufHeader(
        path=str(path),
        version=first.version,
        parts=len(parts),
        metadata=first.metadata,
        array_lengths=first.array_lengths,
        tensors=tuple(tensors.values()),
        header_bytes=sum(part.header_bytes for part in parts),
        file_bytes=sum(part.file_bytes for part in parts),
    )
