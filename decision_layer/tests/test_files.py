"""Files in requests: every field of theirs is searched, and what cannot be read is opaque wherever it stands."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import pytest

from decision_layer.detect import scan
from decision_layer.walk import (
    WALKERS,
    TooDeepError,
    UnknownPartError,
    Walked,
    collect,
    walk_chat,
    walk_messages,
    walk_responses,
)

IBAN = "DE89370400440532013000"
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 4
BLOB = base64.b64encode(PDF).decode()
LINES = re.sub(r"(.{76})", r"\1\r\n", BLOB)
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BLOB}}


def chat(*parts: dict[str, Any]) -> Walked:
    return collect(walk_chat, {"messages": [{"role": "user", "content": list(parts)}]})


def said(text: str) -> Walked:
    return collect(walk_chat, {"messages": [{"role": "user", "content": text}]})


def kinds(walked: Walked) -> set[str]:
    return {finding.kind for finding in scan(walked.parts)}


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"type": "image_url", "url": IBAN, "image_url": {"url": "data:text/plain,hi"}}, id="outer url"),
        pytest.param({"type": "image_url", "image_url": {"type": IBAN, "url": "data:text/plain,hi"}}, id="inner type"),
        pytest.param(
            {"type": "document", "source": {"type": IBAN, "media_type": "text/plain", "data": "aGVsbG8="}},
            id="type of the source",
        ),
        pytest.param(
            {"type": "document", "data": IBAN, "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
            id="outer data",
        ),
        pytest.param(
            {"type": "document", "title": IBAN, "source": {"type": "text", "data": "hi", "title": "x"}}, id="title"
        ),
        pytest.param(
            {"type": "file", "source": {"type": "text", "data": f"pay {IBAN}"}, "file": {"data": "hi"}},
            id="two holders",
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": f"data:text/plain;name={IBAN},hi"}}, id="head of a data URL"
        ),
        pytest.param({"type": "image_url", "image_url": {"url": f"data:{IBAN}"}}, id="a data URL without its comma"),
        pytest.param(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IBAN}}, id="short base64"
        ),
    ],
)
def test_no_field_of_a_file_hides_behind_another(part: dict[str, Any]) -> None:
    assert "iban" in kinds(chat(part))


def test_every_field_of_a_prediction_is_searched() -> None:
    body = {"messages": [], "prediction": {"type": "content", "content": "x", "note": IBAN}}
    assert "iban" in kinds(collect(walk_chat, body))


@pytest.mark.parametrize("field", ["result", "encrypted_content"])
def test_what_is_no_encoding_is_text_in_opaque_items_too(field: str) -> None:
    body = {"input": [{"type": "image_generation_call", "id": "x", field: f"pay {IBAN} now"}]}
    assert "iban" in kinds(collect(walk_responses, body))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"Summarise this PDF: {BLOB}", id="in a sentence"),
        pytest.param(f"Summarise this PDF:\n{LINES}", id="in lines"),
        pytest.param("Summarise " + json.dumps(f"a {LINES}"), id="in lines, as JSON"),
        pytest.param("Summarise " + BLOB.replace("/", "\\/"), id="as PHP writes JSON"),
        pytest.param(base64.urlsafe_b64encode(PDF).decode().rstrip("="), id="for URLs"),
        pytest.param(PDF.hex(), id="hexadecimal"),
        pytest.param(base64.b64encode(BLOB.encode()).decode(), id="twice"),
        pytest.param(f"see ![x](data:image/png;base64,{BLOB[:96]})", id="a short data URL"),
        pytest.param(f"see ![x](data:image/png,{'%89PNG%0D%0A' * 12})", id="a data URL with escapes"),
        pytest.param("x " + base64.b64encode(gzip.compress(b"secret " + IBAN.encode())).decode(), id="short gzip"),
        pytest.param(json.dumps({"image": BLOB}), id="in a tool's JSON"),
    ],
)
def test_an_encoding_of_what_is_no_text_is_opaque(text: str) -> None:
    assert said(text).opaque


def test_a_file_in_pieces_is_opaque() -> None:
    for size in (1, 50, 300):
        pieces = [{"type": "text", "text": BLOB[at : at + size]} for at in range(0, len(BLOB), size)]
        assert chat(*pieces).opaque


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x " + base64.b64encode("Ein Satz über nichts. ".encode() * 40).decode(), id="text"),
        pytest.param("x " + base64.b64encode("Ein Satz über nichts. ".encode("latin-1") * 40).decode(), id="latin-1"),
        pytest.param("x " + base64.b64encode(("Ein Satz. " * 40).encode("utf-16")).decode(), id="utf-16"),
        pytest.param("x " + ("A sentence about nothing. " * 20).encode().hex(), id="hexadecimal text"),
        pytest.param("-" * 400 + "\n" + "_" * 400 + "\n" + "=" * 400, id="rules"),
        pytest.param("ACGT" * 100, id="few letters"),
        pytest.param("donaudampfschifffahrtsgesellschaft" * 10, id="a long word"),
        pytest.param("\n".join(f"/srv/projects/customer{'x' * n}/documents/invoices" for n in range(30)), id="paths"),
        pytest.param("\n".join(f"{n * 7919:064x}" for n in range(1, 30)), id="hashes"),
        pytest.param("Write data:image/png;base64,<...> before it; the data: text/plain, or none", id="of data URLs"),
        pytest.param("0123456789abcdef" * 4, id="one hash"),
    ],
)
def test_text_is_not(text: str) -> None:
    assert said(text).opaque == ()


def nested(depth: int) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "image", "source": {"type": "url", "url": "https://pictures.example/a.png"}}
    for _ in range(depth):
        part = {"type": "tool_result", "tool_use_id": "x", "content": [part]}
    return {"messages": [{"role": "user", "content": [part]}]}


def test_an_image_in_results_of_results_is_seen_or_refused() -> None:
    assert all(collect(walk_messages, nested(depth)).opaque for depth in range(4))
    for depth in (4, 5):
        with pytest.raises(TooDeepError):
            collect(walk_messages, nested(depth))


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "a", "images": [BLOB]}]}),
        (
            "/v1/messages",
            {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "x", "name": "n", "input": IMAGE}]}]},
        ),
        (
            "/v1/messages",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "code_execution_tool_result",
                                "content": {
                                    "type": "code_execution_result",
                                    "content": [{"type": "code_execution_output", "file_id": "file_1"}],
                                },
                            }
                        ],
                    }
                ]
            },
        ),
    ],
)
def test_what_stands_where_text_is_meant_is_opaque(endpoint: str, body: dict[str, Any]) -> None:
    assert collect(WALKERS[endpoint], body).opaque


@pytest.mark.parametrize(
    "piece",
    [
        {"type": "file", "file_id": "file-123"},
        {"type": "image", "image_url": "https://pictures.example/a.png"},
        {"type": "input_file", "file_id": "file-123"},
    ],
)
@pytest.mark.parametrize("output", [lambda p: [p], lambda p: [p, {"x": 1}], lambda p: p])
def test_files_in_the_output_of_a_call_are_opaque(piece: dict[str, Any], output: Any) -> None:
    body = {"input": [{"type": "function_call_output", "call_id": "x", "output": output(piece)}]}
    assert collect(walk_responses, body).opaque


def test_an_unknown_part_in_an_output_is_refused() -> None:
    body = {"input": [{"type": "function_call_output", "call_id": "x", "output": [{"type": "hologram"}]}]}
    with pytest.raises(UnknownPartError):
        collect(walk_responses, body)
