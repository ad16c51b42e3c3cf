"""How many tokens a stream took: asked for in every case, told to the client only if it asked.

OpenAI's chat completions count a stream's tokens only where `stream_options.include_usage` asks for it, in one more
chunk whose `choices` are empty (platform.openai.com, API reference). Budgets and records need it always.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import orjson

_HEAD_BYTES = 4_096
"""Anthropic tells a stream's input in its first event."""
_TAIL_BYTES = 16_384
_COUNT = re.compile(
    rb'"(prompt_tokens|completion_tokens|(?:input|output|cache_read_input|cache_creation_input)_tokens)"\s*:\s*(\d+)'
)
_ANTHROPIC_IN = (b"input_tokens", b"cache_read_input_tokens", b"cache_creation_input_tokens")
"""Anthropic counts what its cache held beside `input_tokens`, the others within."""
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
"""In a JSON text each quote is escaped, so that nothing which a model says looks like this."""
_EVENT_END = re.compile(rb"\r?\n\r?\n")
_EMPTY_LINES = (b"\n\n", b"\n\r\n")
_LONGEST_EVENT = 65_536
"""What is longer and still no whole event is not looked at."""


def wants_usage(body: dict[str, Any]) -> bool:
    """Whether the client asked for the chunk with the token count itself."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def ask_for_usage(body: dict[str, Any]) -> dict[str, Any]:
    """The same chat, with the question in it where it is a stream."""
    if body.get("stream") is not True:
        return body
    options = body.get("stream_options")
    return {**body, "stream_options": {**(options if isinstance(options, dict) else {}), "include_usage": True}}


def leave_usage(body: dict[str, Any]) -> dict[str, Any]:
    """The same chat without the question, for who refuses it and counts unasked."""
    return {key: value for key, value in body.items() if key != "stream_options"}


class Tally:
    """The tokens of one answer, from what its upstream sent; feed it each piece."""

    def __init__(self) -> None:
        self._head, self._tail = b"", bytearray()

    def feed(self, data: bytes) -> None:
        if len(self._head) < _HEAD_BYTES:
            self._head += data[: _HEAD_BYTES - len(self._head)]
        self._tail += data
        if len(self._tail) > 4 * _TAIL_BYTES:  # not for each piece: a copy of the tail takes longer than all else here
            del self._tail[:-_TAIL_BYTES]

    @property
    def tokens(self) -> tuple[int, int]:
        """In and out as the upstream counts them, by its last word; 0 where it does not say."""
        tail = bytes(self._tail[-_TAIL_BYTES:])
        told = {name: int(number) for name, number in _COUNT.findall(self._head) + _COUNT.findall(tail)}
        read = told.get(b"prompt_tokens") or sum(told.get(name, 0) for name in _ANTHROPIC_IN)
        return read, told.get(b"completion_tokens") or told.get(b"output_tokens", 0)


class UsageDropper:
    """A chat's stream without the chunk that only counts; feed bytes, get bytes.

    What is a whole event goes on at once. The beginning of one waits for its end, which nobody could read before.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        if self._rest:
            data, self._rest = self._rest + data, b""
        if not data.endswith(b"\n\n"):
            data, self._rest = _cut(data)
        if _NO_CHOICES.search(data) is None:
            return data
        return b"".join(event for event in _events(data) if not _only_counts(event))

    def end(self) -> bytes:
        """What came after the last whole event."""
        rest, self._rest = self._rest, b""
        return b"" if _only_counts(rest) else rest


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """The whole events, and the beginning of the next."""
    at = max((data.rfind(mark) + len(mark) for mark in _EMPTY_LINES if mark in data), default=0)
    if not at and len(data) > _LONGEST_EVENT:
        return data, b""
    return data[:at], data[at:]


def _events(data: bytes) -> list[bytes]:
    """Each with the empty line that ends it; the last may have none."""
    ends = [0, *(found.end() for found in _EVENT_END.finditer(data)), len(data)]
    return [data[begin:end] for begin, end in pairwise(ends)]


def _only_counts(event: bytes) -> bool:
    if _NO_CHOICES.search(event) is None:
        return False
    text = b"\n".join(line[5:] for line in event.splitlines() if line.startswith(b"data:"))
    try:
        chunk = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(chunk, dict) and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)
