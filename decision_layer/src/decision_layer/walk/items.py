"""Items of `/v1/responses`: messages, calls and their outputs, references."""

from __future__ import annotations

from typing import Any

from decision_layer.walk import media
from decision_layer.walk.found import Opaque, UnknownPartError
from decision_layer.walk.messages import MEDIA, message, part
from decision_layer.walk.texts import Walk, anything

_HINT = "see the API's reference for the form of this field"
# Items that are no message: whose words they are.
_ITEMS = {
    "function_call": "assistant",
    "custom_tool_call": "assistant",
    "reasoning": "assistant",
    "mcp_call": "assistant",
    "file_search_call": "assistant",
    "web_search_call": "assistant",
    "code_interpreter_call": "assistant",
    "computer_call": "assistant",
    "local_shell_call": "assistant",
    "shell_call": "assistant",
    "apply_patch_call": "assistant",
    "mcp_list_tools": "tool",
    "mcp_approval_request": "assistant",
    "mcp_approval_response": "user",
    "function_call_output": "tool",
    "custom_tool_call_output": "tool",
    "local_shell_call_output": "tool",
    "shell_call_output": "tool",
    "apply_patch_call_output": "tool",
    "computer_call_output": "tool",
}
_UNSEEN = {"item_reference": "x-reference", "image_generation_call": "image/*", "compaction": "x-reference"}
_ENCODED = ("result", "encrypted_content")


def item(value: Any, where: str) -> Walk:
    """One item of the input. Raises WalkError."""
    kind = value.get("type", "message") if isinstance(value, dict) else None
    if kind == "message":
        yield from message(value, where)
    elif isinstance(kind, str) and kind in _ITEMS:
        yield from _call(value, _ITEMS[kind], where)
    elif isinstance(kind, str) and kind in _UNSEEN:
        yield Opaque(where, _UNSEEN[kind], "")
        for key, inner in value.items():
            if key in _ENCODED and isinstance(inner, str):
                yield from media.encoded(inner, _UNSEEN[kind], "", f"{where}.{key}", "")
            elif key != "type":
                yield from anything({key: inner}, "", where)
    elif isinstance(kind, str) and kind.startswith("input_"):
        yield from part(value, "user", where)
    else:
        raise UnknownPartError("an input item of an unknown type", where=where, hint=_HINT)


def _call(value: dict[str, Any], role: str, where: str) -> Walk:
    """A tool call or its result; an output in parts may hold files."""
    for key, inner in value.items():
        if key in ("output", "outputs") and isinstance(inner, dict | list):
            for index, piece in enumerate(inner if isinstance(inner, list) else [inner]):
                yield from _output(piece, role, f"{where}.{key}[{index}]", parts=key == "output")
        elif key == "encrypted_content" and isinstance(inner, str):
            yield from media.encoded(inner, "x-reference", role, f"{where}.{key}", "")
        elif key in ("encrypted_content", "container_id") and inner is not None:
            yield Opaque(f"{where}.{key}", "x-reference", "")
            yield from anything({key: inner}, role, where)
        elif key != "type":
            yield from anything({key: inner}, role, where)


def _output(piece: Any, role: str, where: str, *, parts: bool) -> Walk:
    """`parts`: whether whatever has a type is a content part; else images and files alone are."""
    kind = piece.get("type") if isinstance(piece, dict) else None
    if kind is not None and (parts or (isinstance(kind, str) and kind in MEDIA)):
        yield from part(piece, role, where)
    else:
        yield from anything(piece, role, where)
