"""Unit types of the profile: sizes in MiB, power in watts, contexts in tokens."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

_SIZE = re.compile(r"^\s*(\d{1,9}(?:\.\d{1,3})?)\s*(MiB|GiB|TiB|MB|GB|TB)\s*$", re.ASCII)
_BYTES = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_POWER = re.compile(r"^\s*(\d{1,6})\s*W\s*$", re.ASCII)
_TOKENS = re.compile(r"^\s*(\d{1,9})\s*(?:tokens)?\s*$", re.ASCII)


def parse_size(value: object) -> int:
    """'24GiB' → 24576 (MiB, rounded down). Raises ValueError for anything without a unit."""
    match = _SIZE.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("which is not a size; write a number and a unit, for example 24GiB")
    return int(float(match[1]) * _BYTES[match[2]] // 2**20)


def parse_power(value: object) -> int:
    """'450W' → 450 (watts). Raises ValueError for anything without a unit."""
    match = _POWER.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("which is not a power; write watts, for example 450W")
    return int(match[1])


def parse_tokens(value: object) -> int:
    """8192 or '8192 tokens' → 8192. Raises ValueError otherwise."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _TOKENS.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("which is not a number of tokens; write for example 8192")
    return int(match[1])


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


Mebibytes = Annotated[int, BeforeValidator(parse_size), Field(gt=0, le=2**40), _schema(_SIZE.pattern, "24GiB")]
Watts = Annotated[int, BeforeValidator(parse_power), Field(gt=0, le=100_000), _schema(_POWER.pattern, "450W")]
Tokens = Annotated[
    int,
    BeforeValidator(parse_tokens),
    Field(ge=256, le=20_000_000),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": _TOKENS.pattern}]}),
]
