"""Whatever a request holds, wherever it stands, a walker yields it, or refuses the request."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decision_layer.detect import scan
from decision_layer.walk import (
    DEPTH,
    WALKERS,
    MalformedTextError,
    Opaque,
    TooDeepError,
    UnknownPartError,
    collect,
    parse,
    walk_chat,
    walk_embeddings,
    walk_messages,
    walk_responses,
)
from tests.bodies import BODIES, CHAT, PNG

# What the API's form rests on: replacing these makes another request, not the same one with another text.
FORM = {"role", "type", "file_data", "media_type"}


def slots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of every text that somebody could write."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in FORM or path[-1:] in (("properties",), ("metadata",)):
                yield from slots(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from slots(inner, (*path, index))
    elif isinstance(value, str):
        yield path


def placed(body: dict[str, Any], path: tuple[Any, ...], text: Any) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = text
    return changed


SLOTS = [(endpoint, path) for endpoint, body in BODIES.items() for path in slots(body)]
WRITTEN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda t: (
        t not in ("text", "user", "system", "assistant", "tool", "developer", "function", "message", "object", "string")
    )
)


@given(slot=st.sampled_from(SLOTS), text=WRITTEN)
@settings(max_examples=600, deadline=None)
def test_any_text_anywhere_is_yielded(slot: tuple[str, tuple[Any, ...]], text: str) -> None:
    endpoint, path = slot
    walked = collect(WALKERS[endpoint], placed(BODIES[endpoint], path, text))
    if text.lstrip()[:5].lower() != "data:":
        assert text in {part.text for part in walked.parts}, path


@given(slot=st.sampled_from(SLOTS), inner=WRITTEN)
@settings(max_examples=200, deadline=None)
def test_json_in_a_text_is_yielded_decoded_too(slot: tuple[str, tuple[Any, ...]], inner: str) -> None:
    endpoint, path = slot
    encoded = json.dumps({"some_key": [inner]}, ensure_ascii=True)
    walked = collect(WALKERS[endpoint], placed(BODIES[endpoint], path, encoded))
    texts = {part.text for part in walked.parts}
    assert encoded in texts
    assert inner in texts or inner[:1].lower() == "d"
    assert "some_key" in texts


@pytest.mark.parametrize(
    ("endpoint", "path"), SLOTS, ids=lambda v: ".".join(map(str, v)) if isinstance(v, tuple) else ""
)
def test_an_identifier_anywhere_is_found(endpoint: str, path: tuple[Any, ...]) -> None:
    walked = collect(WALKERS[endpoint], placed(BODIES[endpoint], path, "DE89 3704 0044 0532 0130 00"))
    assert "iban" in {f.kind for f in scan(walked.parts)}


@pytest.mark.parametrize("endpoint", sorted(BODIES))
def test_keys_and_numbers_are_text_too(endpoint: str) -> None:
    body = {**BODIES[endpoint], "extra": {"DE89370400440532013000": 4111111111111111}}
    kinds = {f.kind for f in scan(collect(WALKERS[endpoint], body).parts)}
    assert {"iban", "card"} <= kinds


def test_roles_and_places() -> None:
    roles = {part.where: part.role for part in collect(walk_chat, CHAT).parts}
    assert roles["messages[0].content"] == "system"
    assert roles["messages[1].content[0].text"] == "system"
    assert roles["messages[2].content[0].text"] == "user"
    assert roles["messages[3].tool_calls[0].function.arguments"] == "assistant"
    assert roles["messages[4].content"] == "tool"


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/responses"])
def test_text_files_are_read(endpoint: str) -> None:
    assert "dk.cpr" in {f.kind for f in scan(collect(WALKERS[endpoint], BODIES[endpoint]).parts)}


@pytest.mark.parametrize(
    ("part", "media_type", "name"),
    [
        ({"type": "image_url", "image_url": {"url": PNG}}, "image/png", ""),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, "image/*", ""),
        ({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}, "audio/wav", ""),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
            "application/pdf",
            "a.pdf",
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, "x-reference", ""),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
            "application/pdf",
            "",
        ),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "x-reference", ""),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"}},
            "image/jpeg",
            "",
        ),
        ({"type": "redacted_thinking", "data": "AAAA"}, "x-reference", ""),
    ],
)
def test_what_cannot_be_read_is_reported(part: dict[str, Any], media_type: str, name: str) -> None:
    walked = collect(walk_chat, {"messages": [{"role": "user", "content": [part]}]})
    assert [(o.media_type, o.name) for o in walked.opaque] == [(media_type, name)]


def test_tokens_and_references_are_opaque() -> None:
    assert collect(walk_embeddings, {"input": [[1, 2], [3]]}).opaque == (
        Opaque("input[0]", "x-tokens", ""),
        Opaque("input[1]", "x-tokens", ""),
    )
    walked = collect(
        walk_responses, {"input": [{"type": "item_reference", "id": "msg_1"}], "previous_response_id": "resp_1"}
    )
    assert {o.where for o in walked.opaque} == {"input[0]", "previous_response_id"}


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/v1/chat/completions", []),
        ("/v1/chat/completions", {"messages": "hello"}),
        ("/v1/chat/completions", {"messages": [{"role": "oracle", "content": "x"}]}),
        ("/v1/chat/completions", {"messages": [{"content": "x"}]}),
        ("/v1/chat/completions", {"messages": ["x"]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": 5}]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": ["x"]}]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"type": "hologram", "text": "x"}]}]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
        ("/v1/responses", {"input": [{"type": "hologram_call"}]}),
        ("/v1/responses", {"input": {"role": "user"}}),
        (
            "/v1/messages",
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "x"}]}]}]},
        ),
        ("/v1/embeddings", {"input": {"a": "b"}}),
        ("/v1/embeddings", {"input": [{"a": "b"}]}),
    ],
)
def test_unknown_shapes_are_refused(endpoint: str, body: Any) -> None:
    with pytest.raises(UnknownPartError):
        collect(WALKERS[endpoint], body)


@pytest.mark.parametrize("endpoint", sorted(BODIES))
def test_nul_half_characters_and_depth_are_refused(endpoint: str) -> None:
    deep: Any = "x"
    for _ in range(DEPTH + 2):
        deep = [deep]
    for error, value in ((MalformedTextError, "a\0b"), (MalformedTextError, "\ud800"), (TooDeepError, deep)):
        with pytest.raises(error):
            collect(WALKERS[endpoint], {**BODIES[endpoint], "extra": value})
        with pytest.raises(error):
            collect(walk_messages, {"messages": [{"role": "user", "content": [{"type": "text", "text": value}]}]})


@pytest.mark.parametrize("raw", [b'{"a": "\xff"}', b"{", b'{"a": "\\ud800"}', b"", b"\xef\xbb\xbf{}"])
def test_bytes_that_are_no_json_in_utf8_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedTextError):
        parse(raw)


def test_a_key_given_twice_counts_once_and_is_what_goes_on() -> None:
    assert parse(b'{"a": "secret", "a": "harmless"}') == {"a": "harmless"}
