"""Files inside requests: text is read, everything else is reported as opaque."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from decision_layer.detect import blobs
from decision_layer.parts import Part
from decision_layer.walk.found import Opaque

_TEXTUAL = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|x-yaml|toml|csv|sql|javascript|x-sh|x-ndjson|jsonl|rtf)",
    re.IGNORECASE,
)
_DATA_URL = re.compile(r"\s*data:(?P<type>[^;,]{0,127})(?P<parameters>(?:;[^;,]{0,127}){0,8}),", re.IGNORECASE)
# Inside a text, with so much behind it that it is no example of how one is written.
_INNER_URL = re.compile(
    r"data:(?P<type>[\w.+-]{1,63}/[\w.+-]{1,63})(?:;[\w.+=\"-]{0,127}){0,8},\s?[A-Za-z0-9+/_%=-]{64}", re.IGNORECASE
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]*={0,2}\s*")
_URL_SAFE = str.maketrans("-_", "+/")


def data_url(value: str, role: str, where: str, name: str) -> Iterator[Part | Opaque]:
    """Text of a data URL and its head, or what kind of file it is. A URL that is malformed is opaque, and text."""
    match = _DATA_URL.match(value)
    yield Part(value if match is None else match[0], role, where)
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
    """A file in base64. What is no base64 at all is text that somebody put there; what is short may be."""
    base64_only = _BASE64.fullmatch(data) is not None
    if not base64_only or len(data) < blobs.OPAQUE_MIN:
        yield Part(data, role, where)
    if not base64_only or (not _TEXTUAL.fullmatch(media_type) and media_type != ""):
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


def within(text: str) -> str | None:
    """The kind of file that stands encoded inside a text, if one does."""
    if b"data:" in text.encode("latin-1", "replace").lower():
        for match in _INNER_URL.finditer(text):
            if not _TEXTUAL.fullmatch(match["type"]):
                return match["type"].lower()
    return "application/octet-stream" if blobs.unreadable(text) else None


def _read(raw: bytes, media_type: str, role: str, where: str, name: str) -> Iterator[Part | Opaque]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text:
        yield Opaque(where, media_type, name)
        return
    yield Part(text, role, f"{where}(decoded)")
    if blobs.unreadable(text):
        yield Opaque(where, "application/octet-stream", name)
    elif not _TEXTUAL.fullmatch(media_type):
        yield Opaque(where, media_type, name)
