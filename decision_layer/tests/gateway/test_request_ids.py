"""The client's own id of a request: kept where it is a token that says nothing of anybody."""

from __future__ import annotations

import uuid

import pytest

from decision_layer.gateway import request_ids
from decision_layer.gateway.request_ids import read_request_id


@pytest.mark.parametrize("given", [str(uuid.UUID(int=7**45)), "req_9Kx.2-b", "a" * 64, "n8n.10423"])
def test_a_token_is_kept(given: str) -> None:
    assert read_request_id({b"x-request-id": given.encode()}) == given


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"a" * 65,
        b"two words",
        b"line\nbreak",
        b"a\n",
        "übel".encode(),
        b"anna@example.org",
        b"<b>",
        b"DE89370400440532013000",
        b"order-010170-1234",
        b"4111-1111-1111-1111",
    ],
)
def test_anything_else_is_not(given: bytes) -> None:
    assert read_request_id({b"x-request-id": given}) == ""


def test_without_the_header_or_a_working_detector_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(parts: object) -> object:
        raise RuntimeError(parts)

    assert read_request_id({}) == ""
    monkeypatch.setattr(request_ids, "scan", fail)
    assert read_request_id({b"x-request-id": b"req-1"}) == ""
