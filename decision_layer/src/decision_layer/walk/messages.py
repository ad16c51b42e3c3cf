"""Messages and their content parts, for the chat, responses and Anthropic forms alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from decision_layer.walk import files
from decision_layer.walk.found import Opaque, TooDeepError, UnknownPartError
from decision_layer.walk.texts import DEPTH, Walk, anything, text

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
MEDIA = {
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
KNOWN = frozenset((*_PLAIN, *_NESTED, *MEDIA))
_NESTED_MAX = 3  # no API puts parts deeper into parts


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


def parts(value: list[Any], role: str, where: str, depth: int) -> Walk:
    """Parts inside a part. Raises WalkError."""
    if depth >= _NESTED_MAX:
        raise TooDeepError("parts in parts in parts", where=where[:200], hint="flatten the request")
    for index, inner in enumerate(value):
        yield from part(inner, role, f"{where}[{index}]", depth + 1)


def part(value: Any, role: str, where: str, depth: int = 0) -> Walk:
    """One content part. Raises WalkError."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or not isinstance(value, dict):
        raise UnknownPartError("a content part without a type", where=where, hint=_HINT)
    if kind in _PLAIN:
        yield from anything(_without_type(value), role, where, depth)
    elif kind in _NESTED:
        yield from _nested(value, role, where, depth)
    elif kind in MEDIA:
        yield from files.file(value, MEDIA[kind], role, where, depth, parts)
    else:
        raise UnknownPartError(f"a content part of type {kind[:40]!r}", where=where, hint=_HINT)


def _nested(value: Mapping[str, Any], role: str, where: str, depth: int) -> Walk:
    inner_role = role if value["type"] == "search_result" else "tool"
    for key, inner in _without_type(value).items():
        if key == "content" and isinstance(inner, list):
            yield from parts(inner, inner_role, f"{where}.content", depth)
        elif key == "content" and isinstance(inner, dict):
            yield from _given_back(inner, inner_role, f"{where}.content", depth + 1)
        else:
            yield from anything({key: inner}, inner_role, where, depth)


def _given_back(value: dict[str, Any], role: str, where: str, depth: int) -> Walk:
    """What a tool that the provider ran gave back: a part, or an object that may hold parts and files."""
    if isinstance(value.get("type"), str) and value["type"] in KNOWN:
        yield from part(value, role, where, depth)
        return
    for key, inner in value.items():
        if key in files.IDS and inner is not None:
            yield Opaque(f"{where}.{key}", "x-reference", "")
        if key == "content" and isinstance(inner, dict | list):
            for index, piece in enumerate(inner if isinstance(inner, list) else [inner]):
                if isinstance(piece, dict) and depth < DEPTH:
                    yield from _given_back(piece, role, f"{where}.content[{index}]", depth + 1)
                else:
                    yield from anything(piece, role, f"{where}.content[{index}]", depth)
        else:
            yield from anything({key: inner}, role, where, depth)


def _without_type(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key != "type"}
