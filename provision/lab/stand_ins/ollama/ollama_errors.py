"""Errors in the words of each API: Ollama's own (docs/api/errors.mdx), OpenAI's (openai/openai.go, NewError) and
Anthropic's (anthropic/anthropic.go, NewError; middleware/anthropic.go) of ollama/ollama."""

from __future__ import annotations

from typing import Any

MESSAGES = "/v1/messages"
_OPENAI_TYPES = {400: "invalid_request_error", 404: "not_found_error"}
_ANTHROPIC_TYPES = _OPENAI_TYPES | {503: "overloaded_error"}


def error_body(path: str, status: int, text: str) -> dict[str, Any]:
    if path == MESSAGES:
        kind = _ANTHROPIC_TYPES.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_stand-in"}
    if path.startswith("/v1/"):
        kind = _OPENAI_TYPES.get(status, "api_error")
        return {"error": {"message": text, "type": kind, "param": None, "code": None}}
    return {"error": text}


def find_fault(path: str, body: dict[str, Any]) -> str:
    """What AnthropicMessagesMiddleware refuses before a model is asked; empty: nothing."""
    if path != MESSAGES:
        return ""
    limit = body.get("max_tokens")
    if not isinstance(limit, int) or limit <= 0:
        return "max_tokens is required and must be positive"
    return "" if body.get("messages") else "messages is required"
