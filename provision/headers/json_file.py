"""JSON of bounded size, depth and number of values, read so that a hostile file costs little memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from provision.errors import UsageError
from provision.headers.source import open_file, shown

CONFIG_LIMIT = 10_000_000
INDEX_LIMIT = 24_000_000
"""Bytes. An index has about 95 for each tensor: 9 MB for the 92k tensors of DeepSeek V3."""
_MAX_DEPTH = 32
_MAX_MARKS = 800_000
"""Strings, commas and brackets: 3 for a tensor in an index, 16 in a safetensors header."""
_ASCII_ABOVE = 10_000_000
"""A larger document has to be ASCII, as the usual writers make it: Python takes up to 4 bytes per letter else."""
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,\]}]', re.DOTALL)
"""A string, whole or cut short, or a mark of structure. Possessive: it never goes back, so time is linear."""


def load_json(path: Path, limit: int = CONFIG_LIMIT) -> dict[str, Any]:
    """The JSON object in a file. Raises UsageError where it is missing, too large or too deep, or no such object."""
    with open_file(path) as (file, size):
        if size > limit:
            raise _error(path, f"has {size} bytes; {limit} is the most")
        raw = file.read(limit + 1)
    return parse_json(raw, path)


def parse_json(raw: bytes, path: Path) -> dict[str, Any]:
    """As `load_json`, for bytes read from `path`. A name that stands twice in an object is refused."""
    _check_structure(raw, path)
    try:
        document = json.loads(raw, object_pairs_hook=_unique)
    except _RepeatedName as error:
        raise _error(path, f"has '{shown(str(error))}' twice") from None
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be decoded"
        raise _error(path, f"is not JSON: {reason}") from None
    if not isinstance(document, dict):
        raise _error(path, "holds no JSON object")
    return document


class _RepeatedName(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counted = Counter(name for name, _ in pairs)
        raise _RepeatedName(counted.most_common(1)[0][0])
    return found


def _check_structure(raw: bytes, path: Path) -> None:
    if len(raw) > _ASCII_ABOVE and not raw.isascii():
        raise _error(path, f"has {len(raw)} bytes and is not ASCII")
    depth = 0
    for count, match in enumerate(_TOKENS.finditer(raw)):
        mark = match[0]
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise _error(path, f"is nested more than {_MAX_DEPTH} deep")
        if count > _MAX_MARKS:
            raise _error(path, "has more values than an index of weights")


def _error(path: Path, what: str) -> UsageError:
    return UsageError(
        f"{shown(path.name)} {what}", where=shown(str(path)), hint="fetch the file again from the model's page"
    )
