"""One streamed chat completion, read as it comes: text, time of the first token, the server's own token counts.

The shape is that of the OpenAI API: `data: {...}` lines, the last one with `usage` and no choices where
`stream_options.include_usage` was asked for, then `data: [DONE]`.
"""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

MAX_CHARACTERS = 200_000
"""An answer that is longer is broken off: no use case's is."""


class Streamed:
    """Fed line by line; times are of `time.monotonic`."""

    def __init__(self) -> None:
        self.text = ""
        self.first: float | None = None
        self.cut = False
        self.error = ""
        self.finished = False
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None

    async def read(self, response: httpx.Response) -> None:
        async for line in response.aiter_lines():
            self.feed(line)
            if self.error or self.finished:
                return

    def feed(self, line: str) -> None:
        if not line.startswith("data:"):
            return
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            self.finished = True
            return
        try:
            self._take(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.error = f"the stream is not as the OpenAI API has it: {type(error).__name__}"

    def _take(self, chunk: dict[str, Any]) -> None:
        if "error" in chunk:
            self.error = tell_error(chunk)
            return
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            piece = delta.get("content") or ""
            # A model that thinks first has begun to answer for the one who pays, and not yet for the one who waits.
            if piece and self.first is None:
                self.first = time.monotonic()
            self.text += piece
            self.cut = self.cut or choice.get("finish_reason") == "length"
        usage = chunk.get("usage")
        if usage:
            self.input_tokens, self.output_tokens = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
        if len(self.text) > MAX_CHARACTERS:
            self.error = f"the answer is longer than {MAX_CHARACTERS} characters"


def tell_error(document: object) -> str:
    """The message of an OpenAI error object, at most 300 characters."""
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return str(message or "no reason given")[:300]
