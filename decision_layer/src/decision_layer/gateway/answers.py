"""Answers of the gateway's own, in the shape that the client's API expects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import orjson

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Headers = Iterable[tuple[bytes, bytes]]
JSON = (b"content-type", b"application/json")

_OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}


class Refused(Exception):
    """A request that ends here. `code` is for machines, the text for people; no value of the request is in either."""

    def __init__(self, status: int, code: str, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(text)
        self.status, self.code, self.text, self.headers = status, code, text, headers


def error_body(endpoint: str, status: int, code: str, text: str) -> bytes:
    """OpenAI's error object, or Anthropic's for /v1/messages."""
    kind = _OPENAI_TYPES.get(status, "api_error")
    if endpoint == "messages":
        return orjson.dumps({"type": "error", "error": {"type": kind, "message": text}})
    return orjson.dumps({"error": {"message": text, "type": kind, "param": None, "code": code}})


async def send_whole(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def send_refusal(send: Send, endpoint: str, refused: Refused, headers: Headers = ()) -> None:
    body = error_body(endpoint, refused.status, refused.code, refused.text)
    await send_whole(send, refused.status, body, [JSON, *refused.headers, *headers])
