"""From the upstream to the client, chunk by chunk as they come."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import orjson

from decision_layer.gateway import anthropic
from decision_layer.gateway.answers import Refused, Send, error_body, send_refusal
from decision_layer.gateway.channel import BrokenError
from decision_layer.gateway.upstream import SILENT_S, Opened
from decision_layer.gateway.usage import Tally, UsageDropper

_UNREADABLE = (orjson.JSONDecodeError, KeyError, TypeError, AttributeError)


class Relay:
    """Sends one answer; afterwards it knows what was sent: size, hash, tokens, time of the first byte.

    `usage`: the client asked for the token count of its stream. A chat's client that did not gets none.
    """

    def __init__(self, opened: Opened, endpoint: str, headers: list[tuple[bytes, bytes]], *, usage: bool) -> None:
        self.opened, self.endpoint, self.usage = opened, endpoint, usage
        self.headers = headers
        self.sent = 0
        self.digest = hashlib.sha256()
        self.first_byte: float | None = None
        self.broke = ""
        self._tally = Tally()
        self._begun, self._over, self._line_ended = "", False, True

    async def run(self, send: Send) -> None:
        """What breaks is in `broke`, and the client is told: by a 502, by an event of a stream that has begun, and in
        another answer that has begun by nothing but its end, for which the server cuts the connection.
        """
        try:
            await self._relay(send)
        except (BrokenError, *_UNREADABLE) as error:
            self.broke = str(error) if isinstance(error, BrokenError) else type(error).__name__
            await self._tell(send)
        finally:
            self.opened.answer.close()

    async def _relay(self, send: Send) -> None:
        answer = self.opened.answer
        kind = answer.headers.get("content-type", "application/octet-stream")
        streams = kind.startswith("text/event-stream")
        if self.opened.translate and not streams:
            await self._translate_whole(send, kind)
            return
        translator = anthropic.StreamTranslator(usage=self.usage) if self.opened.translate else None
        dropper = UsageDropper() if streams and self.endpoint == "chat" and not (translator or self.usage) else None
        head = [(b"content-type", kind.encode("latin-1", "replace")), *self.headers]
        length = answer.headers.get("content-length")
        if length is not None and not streams:
            head.append((b"content-length", length.encode()))
        self._begun = "stream" if streams else "whole"
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        while not self._over:
            data = await self._read()
            if translator:
                data = translator.feed(data)
            elif dropper:
                data = dropper.feed(data) + dropper.end() if answer.complete else dropper.feed(data)
            await self._send(send, data, more=not answer.complete)

    async def _read(self) -> bytes:
        data = await self.opened.answer.read(SILENT_S)
        self._tally.feed(data)
        return data

    async def _tell(self, send: Send) -> None:
        text = "the model broke off; nothing was repeated elsewhere"
        if not self._begun:
            await send_refusal(send, self.endpoint, Refused(502, "upstream_broke", text), self.headers)
        elif self._begun == "stream":
            # Anthropic's clients look at the event's name; half a line that was sent before would be part of it.
            name = b"event: error\n" if self.endpoint == "messages" else b""
            told = name + b"data: " + error_body(self.endpoint, 502, "upstream_broke", text) + b"\n\n"
            await self._send(send, told if self._line_ended else b"\n" + told, more=False)

    async def _translate_whole(self, send: Send, kind: str) -> None:
        answer = self.opened.answer
        pieces = []
        while piece := await self._read():
            pieces.append(piece)
        content = b"".join(pieces)
        if answer.status == 200:
            content = orjson.dumps(anthropic.to_completion(orjson.loads(content)))
        else:
            content = _tell_error(answer.status, content)
        head = [(b"content-type", kind.encode()), (b"content-length", str(len(content)).encode()), *self.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        await self._send(send, content, more=False)

    async def _send(self, send: Send, data: bytes, *, more: bool) -> None:
        if not data and more:
            return
        if data:
            if self.first_byte is None:
                self.first_byte = time.monotonic()
            self.sent += len(data)
            self.digest.update(data)
            self._line_ended = data.endswith(b"\n")
        self._over = not more
        await send({"type": "http.response.body", "body": data, "more_body": more})

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens in and out as the upstream counts them; 0 where it does not say."""
        return self._tally.tokens


def _tell_error(status: int, content: bytes) -> bytes:
    try:
        document: Any = orjson.loads(content)
        text = str(document["error"]["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        text = "the provider refused the request"
    return error_body("chat", status, "upstream_error", text)
