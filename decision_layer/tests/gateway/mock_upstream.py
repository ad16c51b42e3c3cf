"""Stand-in for every upstream, at home and in the cloud: it writes down each body that reaches its socket.

Speaks chat completions, responses, embeddings and Anthropic's messages, streaming too. Faults by the model's name:
`status-500`, `late-500` (the same after LATE_S), `reset`, `break-after-first` (of a stream's events), `break-body` (of
a whole answer), `slow` (between events), `slow-head`, `late-head` and `soon-head` (HEAD_AFTER_S); `say-WORDS` answers a
chat with these words, `long` makes a stream's text LONG characters. A chat's stream has its usage only where it was
asked for, as OpenAI's does.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from pathlib import Path
from typing import Any

from aiohttp import web

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
LONG = 40_000
HEAD_AFTER_S = {"slow-head": 30, "late-head": 3, "soon-head": 0.5}
LATE_S = 0.5


class Mock:
    def __init__(self, name: str, seen: Path) -> None:
        self.name, self._seen = name, seen
        self.fault = ""
        self.cancelled = 0

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        if request.path == "/fault":
            self.fault = raw.decode()
            return web.Response(text=self.fault)
        if request.path == "/cancelled":
            return web.Response(text=str(self.cancelled))
        with self._seen.open("ab") as file:
            seen = {"path": request.path, "raw": raw.decode("utf-8", "replace"), "at": time.monotonic()}
            file.write(json.dumps(seen).encode() + b"\n")
        if self.fault.startswith("late-5"):
            await asyncio.sleep(LATE_S)
        if self.fault.startswith(("status-", "late-5")):
            return web.json_response({"error": {"message": "mock"}}, status=int(self.fault.rpartition("-")[2]))
        if self.fault == "reset" and request.transport is not None:
            request.transport.abort()
            return web.Response()
        if self.fault in HEAD_AFTER_S:
            try:
                await asyncio.sleep(HEAD_AFTER_S[self.fault])
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        body = json.loads(raw)
        endpoint = request.path.removeprefix("/v1/")
        if body.get("stream"):
            return await self._stream(request, endpoint, body)
        whole = json.dumps(self._whole(endpoint, body)).encode()
        if self.fault == "break-body":
            return await self._half(request, whole)
        return web.Response(body=whole, content_type="application/json")

    @property
    def _word(self) -> str:
        return self.name + " " * LONG if self.fault == "long" else self.name

    async def _half(self, request: web.Request, whole: bytes) -> web.StreamResponse:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(whole))}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(whole[: len(whole) // 2])
        if request.transport is not None:
            request.transport.abort()
        return response

    def _whole(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        if endpoint == "embeddings":
            data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
            return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 7, "total_tokens": 7}}
        if endpoint == "messages":
            content: list[dict[str, Any]] = [{"type": "text", "text": f"answer of {self.name}"}]
            if body.get("tools"):
                content = [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}}]
            stop = "tool_use" if body.get("tools") else "end_turn"
            usage = {"input_tokens": 7, "output_tokens": 2}
            return {
                "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
                "stop_reason": stop, "stop_sequence": None, "usage": usage,
            }  # fmt: skip
        if endpoint == "responses":
            item = {
                "id": "m1", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": f"answer of {self.name}", "annotations": []}],
            }  # fmt: skip
            usage = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
            return {
                "id": "resp_1", "object": "response", "created_at": 0, "status": "completed", "model": "m", "tools": [],
                "output": [item], "usage": usage, "parallel_tool_calls": True, "tool_choice": "auto",
            }  # fmt: skip
        said = self.fault.removeprefix("say-") if self.fault.startswith("say-") else f"answer of {self.name}"
        message: dict[str, Any] = {"role": "assistant", "content": said}
        if body.get("tools"):
            function = {"name": "weather", "arguments": '{"city": "Rome"}'}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": function}],
            }
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": USAGE}

    async def _stream(self, request: web.Request, endpoint: str, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number, event in enumerate(_EVENTS[endpoint](self._word, body)):
                await response.write(event)
                if number == 1 and self.fault == "break-after-first" and request.transport is not None:
                    request.transport.abort()
                    return response
                await asyncio.sleep(5 if self.fault == "slow" and number else 0)
        except (ConnectionResetError, asyncio.CancelledError):
            self.cancelled += 1
            raise
        return response


def _chat_events(name: str, body: dict[str, Any]) -> list[bytes]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, {"content": "answer of "}, {"content": name}]
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**head, "choices": [], "usage": USAGE})
    return [*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks), b"data: [DONE]\n\n"]


def _message_events(name: str, body: dict[str, Any]) -> list[bytes]:
    message: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 1},
    }  # fmt: skip
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "answer of "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": name}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def _response_events(name: str, body: dict[str, Any]) -> list[bytes]:
    whole = {"id": "resp_1", "object": "response", "created_at": 0, "status": "completed", "model": "m", "output": [],
             "usage": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9},
             "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}  # fmt: skip
    delta = {"item_id": "m1", "output_index": 0, "content_index": 0, "logprobs": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "sequence_number": 0, "response": {**whole, "status": "in_progress"}},
        {"type": "response.output_text.delta", "sequence_number": 1, "delta": "answer of ", **delta},
        {"type": "response.output_text.delta", "sequence_number": 2, "delta": name, **delta},
        {"type": "response.completed", "sequence_number": 3, "response": whole},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


_EVENTS = {"chat/completions": _chat_events, "messages": _message_events, "responses": _response_events}


async def start(mock: Mock, port: int, tls: ssl.SSLContext | None) -> web.AppRunner:
    runner = web.AppRunner(mock.application(), handle_signals=False, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    return runner
