"""What is cut over the parts of one message is found, whatever stands between the pieces."""

from __future__ import annotations

import random
from typing import Any

import pytest

from decision_layer.detect import scan
from decision_layer.detect.seams import seams
from decision_layer.parts import Part
from decision_layer.walk import WALKERS, collect

IBAN = "DE89370400440532013000"
HALVES = ("pay DE89370400", "440532013000 now")


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **more}


def found(endpoint: str, body: dict[str, Any]) -> set[str]:
    return {finding.kind for finding in scan(collect(WALKERS[endpoint], body).parts)}


def chat(*parts: dict[str, Any]) -> set[str]:
    return found("/v1/chat/completions", {"messages": [{"role": "user", "content": list(parts)}]})


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([text(HALVES[0], cache_control={"type": "ephemeral"}), text(HALVES[1])], id="a field between"),
        pytest.param([text(HALVES[0]), text(""), text(HALVES[1])], id="an empty part between"),
        pytest.param([text(c) for c in IBAN], id="one character each"),
        pytest.param([text("pay DE893704"), text("0044"), text("0532013000 now")], id="three parts"),
        pytest.param(
            [text(HALVES[0]), {"type": "image_url", "image_url": {"url": "https://x.example/"}}, text(HALVES[1])],
            id="an image between",
        ),
        pytest.param(
            [text(HALVES[0]), {"type": "tool_result", "tool_use_id": "x", "content": [text(HALVES[1])]}], id="nested"
        ),
        pytest.param([text(HALVES[0]), {"type": "thinking", "thinking": HALVES[1]}], id="another kind of text"),
        pytest.param(
            [
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": half}}
                for half in HALVES
            ],
            id="documents",
        ),
    ],
)
def test_an_iban_over_parts_is_found(parts: list[dict[str, Any]]) -> None:
    assert "iban" in chat(*parts)


def test_in_a_list_of_system_texts_and_in_responses() -> None:
    halves = [text(half) for half in HALVES]
    asked = [{"role": "user", "content": "hi"}]
    assert "iban" in found("/v1/messages", {"system": halves, "messages": asked})
    inputs = [{"type": "input_text", "text": half} for half in HALVES]
    assert "iban" in found("/v1/responses", {"input": [{"role": "user", "content": inputs}]})
    assert "iban" in found("/v1/responses", {"input": inputs})
    output = {"type": "function_call_output", "call_id": "c", "output": inputs}
    assert "iban" in found("/v1/responses", {"input": [output]})


def test_cells_and_messages_are_not_read_as_one() -> None:
    rows = [["4111", "1111"], ["1111", "1111"]]
    body = {"messages": [{"role": "tool", "tool_call_id": "c", "content": "see rows"}], "rows": rows}
    assert found("/v1/chat/completions", body) == set()


def test_each_seam_is_read_once_and_no_more_than_the_text() -> None:
    dice = random.Random(3)  # noqa: S311
    for _ in range(50):
        pieces = ["".join(dice.choices("abcdef 0123", k=dice.choice((0, 1, 3, 90, 300)))) for _ in range(12)]
        parts = [Part(piece, "user", f"messages[0].content[{n}].text") for n, piece in enumerate(pieces)]
        whole, windows = "".join(pieces), list(seams(parts))
        assert sum(map(len, windows)) <= len(whole)
        assert all(window in whole for window in windows)
        at = 0
        for piece in pieces[:-1]:
            at += len(piece)
            if 0 < at < len(whole):
                assert any(whole[max(0, at - 80) : at + 80] in window for window in windows)


def test_one_text_has_no_seam() -> None:
    assert list(seams([Part("a", "user", "messages[0].content"), Part("b", "user", "messages[1].content")])) == []
