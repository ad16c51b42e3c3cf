"""Walkers: from a request's body to every text in it. One for each endpoint; none skips a field it does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from decision_layer.detect import seams
from decision_layer.parts import Part
from decision_layer.walk import media
from decision_layer.walk.found import (
    MalformedTextError,
    Opaque,
    TooDeepError,
    UnknownPartError,
    Walked,
    WalkError,
)
from decision_layer.walk.hosted import elsewhere
from decision_layer.walk.items import item
from decision_layer.walk.messages import content, message
from decision_layer.walk.texts import DEPTH, Walk, anything, parse, text

__all__ = [
    "DEPTH",
    "WALKERS",
    "MalformedTextError",
    "Opaque",
    "TooDeepError",
    "UnknownPartError",
    "WalkError",
    "Walked",
    "collect",
    "parse",
    "walk_chat",
    "walk_embeddings",
    "walk_messages",
    "walk_responses",
]

_HINT = "see the API's reference for the form of this field"


def walk_chat(body: Any) -> Walk:
    """`POST /v1/chat/completions`. Raises WalkError."""
    for key, value in _object(body).items():
        if key == "messages":
            for index, inner in enumerate(_list(value, key)):
                yield from message(inner, f"messages[{index}]")
        elif key == "prediction" and isinstance(value, dict):
            yield from content(value.get("content"), "user", "prediction.content")
            yield from _field(key, {name: inner for name, inner in value.items() if name != "content"})
        else:
            yield from _field(key, value)


def walk_responses(body: Any) -> Walk:
    """`POST /v1/responses`. Raises WalkError."""
    for key, value in _object(body).items():
        if key == "input" and isinstance(value, str):
            yield from text(value, "user", key, 0)
        elif key == "input":
            for index, inner in enumerate(_list(value, key)):
                yield from item(inner, f"input[{index}]")
        elif key in ("previous_response_id", "conversation", "prompt") and value is not None:
            yield Opaque(key, "x-reference", "")
            yield from _field(key, value)
        else:
            yield from _field(key, value)


def walk_embeddings(body: Any) -> Walk:
    """`POST /v1/embeddings`; token numbers cannot be read and are opaque. Raises WalkError."""
    for key, value in _object(body).items():
        if key == "input" and isinstance(value, list):
            for index, inner in enumerate(value):
                if isinstance(inner, str):
                    yield from text(inner, "user", f"input[{index}]", 0)
                elif isinstance(inner, int | list):
                    yield Opaque(f"input[{index}]", "x-tokens", "")
                    yield from anything(inner, "user", f"input[{index}]")
                else:
                    raise UnknownPartError(
                        "an input that is neither text nor tokens", where=f"input[{index}]", hint=_HINT
                    )
        elif key == "input" and not isinstance(value, str):
            raise UnknownPartError("an input that is neither text nor a list", where=key, hint=_HINT)
        else:
            yield from _field(key, value, "user" if key == "input" else "")


def walk_messages(body: Any) -> Walk:
    """Anthropic's `POST /v1/messages`. Raises WalkError."""
    for key, value in _object(body).items():
        if key == "messages":
            for index, inner in enumerate(_list(value, key)):
                yield from message(inner, f"messages[{index}]")
        elif key == "system":
            yield from content(value, "system", key)
        else:
            yield from _field(key, value)


Walker = Callable[[Any], Walk]
WALKERS: dict[str, Walker] = {
    "/v1/chat/completions": walk_chat,
    "/v1/responses": walk_responses,
    "/v1/embeddings": walk_embeddings,
    "/v1/messages": walk_messages,
}


def collect(walker: Walker, body: Any) -> Walked:
    """The whole of a walk. Raises WalkError; nothing is returned then, so nothing half searched goes on."""
    parts: list[Part] = []
    opaque: list[Opaque] = []
    for found in walker(body):
        if isinstance(found, Part):
            parts.append(found)
        else:
            opaque.append(found)
    for place, whole in seams.wholes(parts):  # a file may be cut in pieces
        if (kind := media.within(whole)) is not None:
            opaque.append(Opaque(place, kind, ""))
    return Walked(tuple(parts), tuple(opaque))


def _field(key: str, value: Any, role: str = "") -> Walk:
    """A field outside the conversation: tool definitions, schemas, metadata, user, and whatever is not known."""
    yield from elsewhere(key, value)
    yield from anything({key: value}, "system" if key == "instructions" else role, "body")


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise UnknownPartError("the body is no object", where="body", hint=_HINT)
    return body


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UnknownPartError("no list", where=where, hint=_HINT)
    return value
