"""Files inside requests: text is read, everything else is reported as opaque."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from decision_layer.parts import Part
from decision_layer.walk.found import Opaque

_TEXTUAL = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|x-yaml|toml|csv|sql|javascript|x-sh|x-ndjson|jsonl|rtf)",
    re.IGNORECASE,
)
_DATA_URL = re.compile(r"\s*data:(?P<type>[^;,]{0,127})(?P<parameters>(?:;[^;,]{0,127}){0,8}),", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]*={0,2}\s*")
_URL_SAFE = str.maketrans("-_", "+/")


def data_url(value: str, role: str, where: str, name: str) -> Iterator[Part | Opaque]:
    """Text of a data URL, or what kind of file it is. A URL that is malformed is opaque."""
    match = _DATA_URL.match(value)
    if match is None:
        yield Opaque(where, "application/octet-stream", name)
        return
    media_type = match["type"] or "text/plain"
    body = value[match.end() :]
    if match["parameters"].lower().endswith(";base64"):
        yield from encoded(body, media_type, role, where, name)
    else:
        yield from _read(unquote_to_bytes(body), media_type, role, where, name)


def encoded(data: str, media_type: str, role: str, where: str, name: str) -> Iterator[Part | Opaque]:
    """A file in base64. What is no base64 at all is text that somebody put there."""
    if _BASE64.fullmatch(data) is None:
        yield Part(data, role, where)
        yield Opaque(where, media_type, name)
        return
    if not _TEXTUAL.fullmatch(media_type) and media_type != "":
        yield Opaque(where, media_type, name)
        return
    compact = "".join(data.split()).rstrip("=").translate(_URL_SAFE)
    try:
        raw = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        yield Part(data, role, where)
        yield Opaque(where, media_type, name)
        return
    yield from _read(raw, media_type or "application/octet-stream", role, where, name)


def _read(raw: bytes, media_type: str, role: str, where: str, name: str) -> Iterator[Part | Opaque]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text:
        yield Opaque(where, media_type, name)
        return
    yield Part(text, role, f"{where}(decoded)")
    if not _TEXTUAL.fullmatch(media_type):
        yield Opaque(where, media_type, name)
