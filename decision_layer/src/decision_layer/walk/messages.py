"""Messages and their content parts, for the chat, responses and Anthropic forms alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from decision_layer.walk import media
from decision_layer.walk.found import Opaque, UnknownPartError
from decision_layer.walk.texts import Walk, anything, checked, text

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_HINT = "this content is not known here; it stays at home or is refused"

# Every field of these parts is text or holds text.
_PLAIN = frozenset(
    [
        "text",
        "input_text",
        "output_text",
        "summary_text",
        "reasoning_text",
        "refusal",
        "thinking",
        "tool_use",
        "server_tool_use",
        "mcp_tool_use",
        "tool_reference",
        "web_search_result",
    ]
)
# Their `content` holds parts again.
_NESTED = frozenset(
    [
        "tool_result",
        "mcp_tool_result",
        "search_result",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
    ]
)
_MEDIA = {
    "image_url": "image/*",
    "input_image": "image/*",
    "image": "image/*",
    "computer_screenshot": "image/*",
    "input_audio": "audio/*",
    "audio": "audio/*",
    "audio_url": "audio/*",
    "video_url": "video/*",
    "input_video": "video/*",
    "file": "application/octet-stream",
    "input_file": "application/octet-stream",
    "document": "application/octet-stream",
    "container_upload": "x-reference",
    "redacted_thinking": "x-reference",
}
_IDS = ("file_id", "container_id")


def message(value: Any, where: str) -> Walk:
    """One message with a role. Raises WalkError."""
    if not isinstance(value, dict):
        raise UnknownPartError("a message that is no object", where=where, hint=_HINT)
    role = ROLES.get(value["role"]) if isinstance(value.get("role"), str) else None
    if role is None:
        raise UnknownPartError("a message whose role is not known", where=f"{where}.role", hint=_HINT)
    for key, inner in value.items():
        if key == "content":
            yield from content(inner, role, f"{where}.content")
        elif key == "audio" and isinstance(inner, dict):
            yield Opaque(f"{where}.audio", "x-reference", "")
            yield from anything(inner, role, f"{where}.audio")
        elif key != "role":
            yield from anything({key: inner}, role, where)


def content(value: Any, role: str, where: str) -> Walk:
    """A string, nothing, or a list of parts. Raises WalkError."""
    if value is None:
        return
    if isinstance(value, str):
        yield from text(value, role, where, 0)
        return
    if not isinstance(value, list):
        raise UnknownPartError("content that is neither text nor a list", where=where, hint=_HINT)
    for index, inner in enumerate(value):
        yield from part(inner, role, f"{where}[{index}]")


def part(value: Any, role: str, where: str, depth: int = 0) -> Walk:
    """One content part. Raises WalkError."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or not isinstance(value, dict):
        raise UnknownPartError("a content part without a type", where=where, hint=_HINT)
    if kind in _PLAIN:
        yield from anything(_without_type(value), role, where, depth)
    elif kind in _NESTED:
        yield from _nested(value, role, where, depth)
    elif kind in _MEDIA:
        yield from _file(value, _MEDIA[kind], role, where, depth)
    else:
        raise UnknownPartError(f"a content part of type {kind[:40]!r}", where=where, hint=_HINT)


def _nested(value: Mapping[str, Any], role: str, where: str, depth: int) -> Walk:
    inner_role = role if value["type"] == "search_result" else "tool"
    for key, inner in _without_type(value).items():
        if key == "content" and isinstance(inner, list) and depth < 3:
            for index, piece in enumerate(inner):
                yield from part(piece, inner_role, f"{where}.content[{index}]", depth + 1)
        else:
            yield from anything({key: inner}, inner_role, where, depth)


def _file(value: Mapping[str, Any], fallback: str, role: str, where: str, depth: int) -> Walk:
    """An image, a sound or a file: by URL, as base64, as text, as parts of its own, or as a reference."""
    holder = {**value}
    for key in ("source", "file", "image_url", "input_audio", "audio", "audio_url", "video_url"):
        if isinstance(value.get(key), dict):
            holder = {**holder, **value[key]}
            holder.pop(key, None) if key not in value[key] else None
    name = next((holder[k] for k in ("filename", "title", "name") if isinstance(holder.get(k), str)), "")
    declared = holder.get("media_type") or (
        f"audio/{holder['format']}" if isinstance(holder.get("format"), str) else ""
    )
    media_type = declared if isinstance(declared, str) and declared else fallback
    seen = False
    for key, inner in holder.items():
        if key in ("data", "file_data") and isinstance(inner, str):
            seen = True
            yield from _data(inner, media_type, role, f"{where}.{key}", checked(name, where))
        elif key in ("url", "image_url", "file_url", "audio_url", "video_url"):
            seen = True
            yield from _linked(inner, media_type, role, f"{where}.{key}", name)
        elif key == "content" and isinstance(inner, list) and depth < 3:
            seen = True
            for index, piece in enumerate(inner):
                yield from part(piece, role, f"{where}.content[{index}]", depth + 1)
        elif key != "type":
            seen = seen or key == "content"
            yield from anything({key: inner}, role, where, depth)
    if not seen or any(key in holder for key in _IDS):
        yield Opaque(where, "x-reference" if any(key in holder for key in _IDS) else media_type, name)


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
    elif media_type.startswith("text/"):
        yield from text(value, role, where, 0)
        yield from media.encoded(value, media_type, role, where, name)
    else:
        yield from media.encoded(value, media_type, role, where, name)


def _without_type(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key != "type"}
