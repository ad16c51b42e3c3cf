"""Chat completions told as Anthropic's Messages, and the answer told back. Fields: docs.claude.com, Messages API.

Anthropic's own OpenAI-compatible endpoint is "not a long-term or production-ready solution" (its documentation), so the
native one is used. What has no counterpart is an error; seed and penalties are left out, as Anthropic does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

DEFAULT_MAX_TOKENS = 4096
"""Anthropic demands max_tokens; chat completions does not."""
_PASSED = ("temperature", "top_p", "stream")
_KNOWN = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "tools",
        "tool_choice",
        "metadata",
        "stream_options",
    }
) | frozenset(_PASSED)
_IGNORED = frozenset({"logprobs", "presence_penalty", "frequency_penalty", "seed", "parallel_tool_calls", "user"})
_STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class UntranslatableError(Exception):
    """The request uses something that the Messages API does not have; the text names it."""


def to_messages(body: dict[str, Any]) -> dict[str, Any]:
    """Raises UntranslatableError."""
    unknown = sorted(set(body) - _KNOWN - _IGNORED - ({"n"} if body.get("n") == 1 else set()))
    if unknown:
        raise UntranslatableError(f"{', '.join(unknown)} is not known to Anthropic's Messages API")
    system, messages = _split_system(body["messages"])
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or DEFAULT_MAX_TOKENS
    sent: dict[str, Any] = {"model": body["model"], "messages": messages, "max_tokens": limit}
    if system:
        sent["system"] = system
    sent.update({name: body[name] for name in _PASSED if body.get(name) is not None})
    if body.get("stop"):
        sent["stop_sequences"] = [body["stop"]] if isinstance(body["stop"], str) else body["stop"]
    if body.get("tools"):
        sent["tools"] = [_tool(tool) for tool in body["tools"]]
        choice = _tool_choice(body.get("tool_choice"))
        if choice:
            sent["tool_choice"] = choice
    return sent


def _split_system(messages: Any) -> tuple[str, list[dict[str, Any]]]:
    """System and developer messages become `system`; neighbours of one role are joined, as the API wants turns."""
    system: list[str] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            system.append(_plain(message.get("content")))
            continue
        if role not in ("user", "assistant", "tool"):
            raise UntranslatableError(f"the role {role} is not known to Anthropic's Messages API")
        content = list(_tool_result(message) if role == "tool" else _content(message))
        role = "assistant" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(content)
        elif content:
            turns.append({"role": role, "content": content})
    return "\n\n".join(filter(None, system)), turns


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if part.get("type") == "text")


def _content(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        if content:
            yield {"type": "text", "text": content}
    else:
        yield from map(_part, content or ())
    for call in message.get("tool_calls") or ():
        try:
            given = orjson.loads(call["function"]["arguments"] or "{}")
        except orjson.JSONDecodeError:
            raise UntranslatableError("a tool call's arguments are not JSON") from None
        yield {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": given}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "text":
        return {"type": "text", "text": part["text"]}
    if part.get("type") == "image_url":
        url = part["image_url"]["url"]
        if url.startswith("data:") and ";base64," in url:
            media, _, data = url[5:].partition(";base64,")
            return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}
        return {"type": "image", "source": {"type": "url", "url": url}}
    raise UntranslatableError(f"a content part of type {part.get('type')} is not known to Anthropic's Messages API")


def _tool_result(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": _plain(message.get("content"))}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        raise UntranslatableError(f"a tool of type {tool.get('type')} is not known to Anthropic's Messages API")
    function = tool["function"]
    made = {
        "name": function["name"],
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    return {**made, "description": function["description"]} if function.get("description") else made


def _tool_choice(choice: Any) -> dict[str, Any] | None:
    words = {"auto": {"type": "auto"}, "required": {"type": "any"}, "none": {"type": "none"}}
    if isinstance(choice, str):
        return words.get(choice)
    return {"type": "tool", "name": choice["function"]["name"]} if isinstance(choice, dict) else None


def to_completion(message: dict[str, Any]) -> dict[str, Any]:
    """Anthropic's whole answer as a chat completion."""
    texts = [block["text"] for block in message["content"] if block["type"] == "text"]
    calls = [
        {
            "id": b["id"],
            "type": "function",
            "function": {"name": b["name"], "arguments": orjson.dumps(b["input"]).decode()},
        }
        for b in message["content"]
        if b["type"] == "tool_use"
    ]
    told: dict[str, Any] = {"role": "assistant", "content": "".join(texts) or None}
    if calls:
        told["tool_calls"] = calls
    return {
        "id": message["id"],
        "object": "chat.completion",
        "created": 0,
        "model": message["model"],
        "choices": [{"index": 0, "message": told, "finish_reason": _STOPS.get(message["stop_reason"], "stop")}],
        "usage": to_usage(message["usage"]),
    }


def to_usage(usage: dict[str, Any]) -> dict[str, int]:
    """Tokens read from the cache or written to it are prompt tokens too."""
    cached = usage.get("cache_read_input_tokens", 0) or 0
    read = (usage.get("input_tokens", 0) or 0) + cached + (usage.get("cache_creation_input_tokens", 0) or 0)
    written = usage.get("output_tokens", 0) or 0
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


class StreamTranslator:
    """Anthropic's server-sent events as chat completion chunks; feed bytes, get bytes.

    `usage`: the client asked for the last chunk, that with the token count.
    """

    def __init__(self, *, usage: bool) -> None:
        self._rest, self._tell_usage = b"", usage
        self._head: dict[str, Any] = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": ""}
        self._calls = -1
        self._usage: dict[str, Any] = {}

    def feed(self, data: bytes) -> bytes:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return b"".join(self._line(line) for line in lines if line.startswith(b"data:"))

    def _line(self, line: bytes) -> bytes:
        event = orjson.loads(line[5:])
        match event["type"]:
            case "message_start":
                message = event["message"]
                self._head.update(id=message["id"], model=message["model"])
                self._usage.update(message.get("usage", {}))
                return self._chunk({"role": "assistant", "content": ""})
            case "content_block_start" if event["content_block"]["type"] == "tool_use":
                self._calls += 1
                block = event["content_block"]
                function = {"name": block["name"], "arguments": ""}
                return self._chunk(
                    {
                        "tool_calls": [
                            {"index": self._calls, "id": block["id"], "type": "function", "function": function}
                        ]
                    }
                )
            case "content_block_delta":
                return self._delta(event["delta"])
            case "message_delta":
                self._usage.update(event.get("usage", {}))
                reason = _STOPS.get(event["delta"].get("stop_reason"), "stop")
                return self._chunk({}, reason)
            case "message_stop":
                usage = {**self._head, "choices": [], "usage": to_usage(self._usage)}
                told = b"data: " + orjson.dumps(usage) + b"\n\n" if self._tell_usage else b""
                return told + b"data: [DONE]\n\n"
            case "error":
                return b"data: " + orjson.dumps({"error": event["error"]}) + b"\n\n"
        return b""

    def _delta(self, delta: dict[str, Any]) -> bytes:
        if delta["type"] == "text_delta":
            return self._chunk({"content": delta["text"]})
        if delta["type"] == "input_json_delta":
            return self._chunk(
                {"tool_calls": [{"index": self._calls, "function": {"arguments": delta["partial_json"]}}]}
            )
        return b""

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return b"data: " + orjson.dumps({**self._head, "choices": [choice]}) + b"\n\n"
