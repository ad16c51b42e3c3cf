"""Every string in a JSON value: keys, values, numbers long enough for an identifier, JSON and data URLs in strings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from decision_layer.detect.blobs import BLOB_MIN
from decision_layer.parts import Part
from decision_layer.walk import media
from decision_layer.walk.found import MalformedTextError, Opaque, TooDeepError, UnknownPartError

DEPTH = 48
_IDENTIFIER_DIGITS = 6  # shorter numbers are no identifier of any kind

Walk = Iterator[Part | Opaque]

# Keys that the APIs themselves define; any other key may be somebody's text, or say what its value is.
_PROTOCOL_KEYS = frozenset(
    [
        "role",
        "content",
        "type",
        "text",
        "model",
        "messages",
        "input",
        "tools",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "parameters",
        "properties",
        "stream",
        "temperature",
        "top_p",
        "max_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "n",
        "stop",
        "seed",
        "response_format",
        "json_schema",
        "schema",
        "strict",
        "description",
        "required",
        "additionalProperties",
        "metadata",
        "user",
        "system",
        "instructions",
        "source",
        "data",
        "media_type",
        "id",
        "tool_call_id",
        "call_id",
        "output",
        "url",
        "image_url",
        "input_audio",
        "file",
        "file_data",
        "filename",
        "file_id",
        "format",
        "detail",
        "stream_options",
        "include_usage",
        "tool_choice",
        "parallel_tool_calls",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
        "top_k",
        "stop_sequences",
        "input_schema",
        "tool_use_id",
        "is_error",
        "cache_control",
        "store",
        "reasoning",
        "effort",
        "summary",
        "include",
        "title",
        "context",
        "items",
        "enum",
        "refusal",
        "encoding_format",
        "dimensions",
        "index",
    ]
)
_WORDS = frozenset(
    ("text", "user", "system", "assistant", "tool", "developer", "function", "message", "object", "string")
)


def parse(raw: bytes) -> Any:
    """A request's bytes as JSON. Raises MalformedTextError for bad UTF-8 and bad JSON.

    Where a key stands twice in an object the last one counts: send on what this returns, encoded anew, not `raw`.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedTextError(f"the body is no JSON in UTF-8: {error}", where="body", hint="send JSON") from None


def text(value: str, role: str, where: str, depth: int) -> Walk:
    """A string, what it holds if it is JSON or a data URL, and whether a file is encoded in it. Raises WalkError."""
    checked(value, where)
    yield Part(value, role, where)
    if len(value) >= BLOB_MIN and (kind := media.within(value)) is not None:
        yield Opaque(where, kind, "")
    start = value[:64].lstrip()[:1]
    if start in ("{", "[", '"'):
        try:
            decoded = orjson.loads(value)
        except orjson.JSONDecodeError:
            decoded = None
        if decoded is not None:
            yield from anything(decoded, role, f"{where}(json)", depth + 1)
    elif start in ("d", "D") and value.lstrip()[:5].lower() == "data:":
        yield from media.data_url(value, role, where, "")


def anything(value: Any, role: str, where: str, depth: int = 0) -> Walk:
    """All strings of any JSON value. Raises WalkError."""
    if depth > DEPTH:
        raise TooDeepError(f"nested deeper than {DEPTH}", where=where[:200], hint="flatten the request")
    if isinstance(value, str):
        if value not in _WORDS:
            yield from text(value, role, where, depth)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in _PROTOCOL_KEYS:
                yield Part(checked(key, where), role, f"{where}.(key)")
            yield from anything(inner, role, f"{where}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from anything(inner, role, f"{where}[{index}]", depth + 1)
    elif isinstance(value, int | float):
        digits = "" if isinstance(value, bool) else str(value)
        if len(digits) >= _IDENTIFIER_DIGITS:
            yield Part(digits, role, where)
    elif value is not None:
        raise UnknownPartError(f"a value of type {type(value).__name__}", where=where, hint="send JSON")


def checked(value: str, where: str) -> str:
    """Raises MalformedTextError for NUL and lone surrogates."""
    if "\0" in value:
        raise MalformedTextError("a text holds NUL", where=where, hint="send text without control characters")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise MalformedTextError("a text holds half a character", where=where, hint="send valid UTF-8") from None
    return value
