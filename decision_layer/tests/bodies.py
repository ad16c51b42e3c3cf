"""One request of each API with something in every place where text can stand."""

from __future__ import annotations

import base64
from typing import Any

TEXT_FILE = "data:text/csv;base64," + base64.b64encode(b"name;cpr\nx;070761-4285").decode()
PNG = "data:image/png;base64,iVBORw0KGgo="
TOOL = {
    "name": "f",
    "description": "d",
    "parameters": {"type": "object", "properties": {"p": {"description": "q", "enum": ["e"]}}},
}

CHAT: dict[str, Any] = {
    "model": "auto",
    "user": "u",
    "metadata": {"case": "m"},
    "seed": 3,
    "stream": True,
    "stop": ["s"],
    "unheard_of": {"deep": ["x"]},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object", "description": "d"}},
    },
    "tools": [{"type": "function", "function": TOOL}],
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "developer", "content": [{"type": "text", "text": "t"}]},
        {
            "role": "user",
            "name": "n",
            "content": [
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png", "detail": "low"}},
                {"type": "file", "file": {"filename": "f.csv", "file_data": TEXT_FILE}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": "r",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": ["b"]}'}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "result"},
        {"role": "function", "name": "old", "content": "result"},
    ],
}
RESPONSES: dict[str, Any] = {
    "model": "auto",
    "instructions": "i",
    "metadata": {"k": "v"},
    "text": {"format": {"type": "json_schema", "schema": {"title": "t"}}},
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "t"},
                {"type": "input_image", "image_url": "https://p.example/x.png"},
                {"type": "input_file", "filename": "a.txt", "file_data": TEXT_FILE},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "t", "annotations": [{"title": "a"}]}],
        },
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "why"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": "b"}'},
        {"type": "function_call_output", "call_id": "c", "output": "o"},
        {"type": "mcp_call", "name": "n", "arguments": "{}", "output": "x", "server_label": "l"},
        {"type": "code_interpreter_call", "code": "print()", "outputs": [{"type": "logs", "logs": "l"}]},
    ],
    "tools": [{"type": "function", **TOOL}, {"type": "file_search", "filters": {"key": "k", "value": "v"}}],
}
MESSAGES: dict[str, Any] = {
    "model": "auto",
    "max_tokens": 5,
    "system": [{"type": "text", "text": "s"}],
    "metadata": {"user_id": "u"},
    "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object", "description": "x"}}],
    "messages": [
        {"role": "user", "content": "plain"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "t"},
                {
                    "type": "document",
                    "title": "t",
                    "context": "c",
                    "source": {"type": "text", "media_type": "text/plain", "data": "doc"},
                },
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]}},
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "found"}]},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "g"},
                {"type": "tool_use", "id": "i", "name": "f", "input": {"a": {"b": ["c"]}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "i", "content": [{"type": "text", "text": "r"}]},
                {"type": "tool_result", "tool_use_id": "i", "content": "r"},
            ],
        },
    ],
}
EMBEDDINGS: dict[str, Any] = {"model": "e", "input": ["a", "b"], "user": "u", "extra": {"k": ["v"]}}
BODIES = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/embeddings": EMBEDDINGS,
}
