"""Images, sounds and files as content parts: by URL, as base64, as text, as parts of their own, or as a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from decision_layer.walk import media
from decision_layer.walk.found import Opaque, TooDeepError
from decision_layer.walk.texts import DEPTH, Walk, anything, checked, text

IDS = ("file_id", "container_id")
_HOLDERS = ("source", "file", "image_url", "input_audio", "audio", "audio_url", "video_url")
_SOURCES = ("base64", "url", "text", "content", "file")  # what the API itself says as a holder's type
_LINKS = ("url", "image_url", "file_url", "audio_url", "video_url")
_NAMES = ("filename", "title", "name")

Parts = Callable[[list[Any], str, str, int], Walk]


def file(value: Mapping[str, Any], fallback: str, role: str, where: str, depth: int, parts: Parts) -> Walk:
    """Every field of the part and of the objects in it that hold a file; none replaces another of the same name."""
    holders = list(_holders(value, where, depth))
    name = next((h[k] for _, h in reversed(holders) for k in _NAMES if isinstance(h.get(k), str)), "")
    declared = [found for _, holder in reversed(holders) if (found := _declared(holder))]
    media_type = declared[0] if declared else fallback
    seen = referenced = False
    for place, holder in holders:
        kind = _declared(holder) or media_type
        for key, inner in holder.items():
            at = f"{place}.{key}"
            if key in _HOLDERS and isinstance(inner, dict):
                continue  # one of the holders
            if key in ("data", "file_data") and isinstance(inner, str):
                seen = True
                yield from _data(inner, kind, role, at, checked(name, where))
            elif key in _LINKS:
                seen = True
                yield from _linked(inner, kind, role, at, name)
            elif key == "content" and isinstance(inner, list):
                seen = True
                yield from parts(inner, role, at, depth)
            elif key != "type" or (holder is not value and inner not in _SOURCES):
                seen = seen or key == "content"
                referenced = referenced or key in IDS
                yield from anything({key: inner}, role, place, depth)
    if referenced or not seen:
        yield Opaque(where, "x-reference" if referenced else media_type, name)


def _holders(value: Mapping[str, Any], where: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if depth > DEPTH:
        raise TooDeepError(f"nested deeper than {DEPTH}", where=where[:200], hint="flatten the request")
    yield where, value
    for key in _HOLDERS:
        if isinstance(value.get(key), dict):
            yield from _holders(value[key], f"{where}.{key}", depth + 1)


def _declared(holder: Mapping[str, Any]) -> str:
    """The media type that the request itself says, or ""."""
    if isinstance(holder.get("media_type"), str):
        return str(holder["media_type"])
    return f"audio/{holder['format']}" if isinstance(holder.get("format"), str) else ""


def _linked(url: Any, media_type: str, role: str, where: str, name: str) -> Walk:
    """An image or file by its URL: a data URL is read; another one points to what cannot be seen here."""
    if isinstance(url, str) and url.lstrip()[:5].lower() == "data:":
        yield from media.data_url(checked(url, where), role, where, name)
        return
    yield from anything(url, role, where)
    yield Opaque(where, media_type, name)


def _data(value: str, media_type: str, role: str, where: str, name: str) -> Walk:
    checked(value, where)
    if value.lstrip()[:5].lower() == "data:":
        yield from media.data_url(value, role, where, name)
        return
    if media_type.startswith("text/"):
        yield from text(value, role, where, 0)
    yield from media.encoded(value, media_type, role, where, name)
