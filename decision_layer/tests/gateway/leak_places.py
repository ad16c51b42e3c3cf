"""What the leak test sends: texts that may not leave, and every place of a request in which a text may stand."""

# ruff: noqa: E501 - a place in a request is one line

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

_IBAN = "DE89 3704 0044 0532 0130 00"
_PAID = f"Please pay to {_IBAN} today"
_FILE = base64.b64encode(b"%PDF-1.4\n" + bytes(range(256)) * 2).decode()
# Synthetic, with valid checksums; the class that the example policy gives to each.
TEXTS = {
    "iban": "Please transfer it to DE89 3704 0044 0532 0130 00 today.",
    "iban spaced oddly": "Konto: D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0",
    "card": "My card is 4111 1111 1111 1111, valid next year.",
    "mail": "Write to anna.sommer@kanzlei-muster.example about it.",
    "art9": "She has been on sick leave since the chemotherapy.",
    "key": "The key is AKIAIOSFODNN7EXAMPLE, secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "secrecy": "Attorney-client privileged: the defendant's statement.",
    "zero width": "IBAN DE89\u200b3704\u200b0044\u200b0532\u200b0130\u200b00",
    "full width": "IBAN ＤＥ８９ ３７０４ ００４４ ０５３２ ０１３０ ００",  # noqa: RUF001
    "escaped": "IBAN DE89%203704%200044%200532%200130%2000",
    "control characters": "IBAN " + "\x02".join(_IBAN.replace(" ", "")),
    "struck through": "IBAN " + "".join(f"{c}\u0336" for c in _IBAN),
    "keycaps": "IBAN DE" + "".join(f"{c}\ufe0f\u20e3" for c in _IBAN if c.isdigit()),
    "other separators": f"Konto {_IBAN.replace(' ', ',')}; CPR 070761:4285",
    "two lines": "Konto DE89 3704 0044\n0532 0130 00",
    "base64 twice": base64.b64encode(base64.b64encode(_PAID.encode())).decode(),
    "base64 of UTF-16": base64.b64encode(_PAID.encode("utf-16")).decode(),
    "base64 of Latin-1": base64.b64encode(f"på {_PAID}".encode("latin-1")).decode(),
    "hexadecimal": _PAID.encode().hex(),
    "quoted-printable": "".join(f"={ord(c):02X}" for c in _PAID),
    "octal": "".join(f"\\{ord(c):03o}" for c in _PAID),
    "file in a text": f"Summarise this: {_FILE}",
    "file in Markdown": f"see ![x](data:image/png;base64,{_FILE[:120]})",
    "file in JSON": json.dumps({"images": [_FILE]}),
    "long": "The quarterly report covers the suppliers. " * 500 + "Konto DE89 3704 0044 0532 0130 00",
}
PLAIN = {
    "plain": "What is the capital of France?",
    "over length": "The quarterly report covers the suppliers. " * 1500,  # more than the policy lets be read
    "bad utf-8": "What is the capital of France? \ue000",
}

Place = Callable[[str], dict[str, Any]]


def _chat(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "see above"}], **more}


def _call(text: str) -> dict[str, Any]:
    function = {"name": "note", "arguments": json.dumps({"text": text})}
    return {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]}


def _tool(text: str, **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "note", "description": text, **function}}


def _parts(pieces: list[str], **more: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": piece, **more} for piece in pieces]


def _pieces(text: str) -> list[str]:
    """Its first word, by which it is known, and some sixty pieces: of a short text one character each."""
    first, _, rest = text.partition(" ")
    size = max(1, len(rest) // 60)
    return [f"{first} ", *(rest[at : at + size] for at in range(0, len(rest), size))]


def _nested(part: dict[str, Any], depth: int) -> dict[str, Any]:
    for _ in range(depth):
        part = {"type": "tool_result", "tool_use_id": "x", "content": [part]}
    return part


def _halves(text: str) -> list[str]:
    return [text[: len(text) // 2], text[len(text) // 2 :]]


PLACES: dict[str, dict[str, Place]] = {
    "/v1/chat/completions": {
        "user": lambda t: _chat(messages=[{"role": "user", "content": t}]),
        "system": lambda t: _chat(messages=[{"role": "system", "content": t}, {"role": "user", "content": "go on"}]),
        "developer": lambda t: _chat(messages=[{"role": "developer", "content": t}, {"role": "user", "content": "go on"}]),
        "history": lambda t: _chat(
            messages=[{"role": "user", "content": t}, {"role": "assistant", "content": "ok"}, {"role": "user", "content": "go on"}]
        ),
        "assistant": lambda t: _chat(messages=[{"role": "assistant", "content": t}, {"role": "user", "content": "go on"}]),
        "part": lambda t: _chat(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": t}]}]),
        "split parts": lambda t: _chat(
            messages=[{"role": "user", "content": [{"type": "text", "text": t[: len(t) // 2]}, {"type": "text", "text": t[len(t) // 2 :]}]}]
        ),
        "many parts": lambda t: _chat(messages=[{"role": "user", "content": _parts(_pieces(t))}]),
        "parts with fields": lambda t: _chat(messages=[{"role": "user", "content": _parts(_halves(t), cache_control={"type": "ephemeral"})}]),
        "empty part between": lambda t: _chat(messages=[{"role": "user", "content": _parts([_halves(t)[0], "", _halves(t)[1]])}]),
        "outer url": lambda t: _chat(messages=[{"role": "user", "content": [{"type": "image_url", "url": t, "image_url": {"url": "data:text/plain,hi"}}]}]),
        "type of a file": lambda t: _chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"type": t, "url": "data:text/plain,hi"}}]}]),
        "hosted tool": lambda t: _chat(messages=[{"role": "user", "content": t}], tools=[{"type": "mcp", "server_url": "https://mcp.example/"}]),
        "tool call": lambda t: _chat(messages=[{"role": "user", "content": "a"}, _call(t), {"role": "tool", "tool_call_id": "c1", "content": "ok"}]),
        "tool result": lambda t: _chat(messages=[{"role": "user", "content": "a"}, _call(""), {"role": "tool", "tool_call_id": "c1", "content": t}]),
        "tool description": lambda t: _chat(tools=[_tool(t)]),
        "schema": lambda t: _chat(tools=[_tool("x", parameters={"type": "object", "properties": {"a": {"type": "string", "default": t}}})]),
        "name": lambda t: _chat(messages=[{"role": "user", "name": t, "content": "a"}]),
        "image": lambda t: _chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "note": t}}]}]),
        "file name": lambda t: _chat(messages=[{"role": "user", "content": [{"type": "file", "file": {"filename": t, "file_data": "data:application/pdf;base64,AAAA"}}]}]),
        "unknown part": lambda t: _chat(messages=[{"role": "user", "content": [{"type": "hologram", "x": t}]}]),
        "unknown field": lambda t: _chat(extension={"deep": [{"er": t}]}),
        "metadata": lambda t: _chat(metadata={"note": t}),
        "stop": lambda t: _chat(stop=[t]),
        "prediction": lambda t: _chat(prediction={"type": "content", "content": t}),
    },
    "/v1/responses": {
        "input": lambda t: {"input": t},
        "item": lambda t: {"input": [{"role": "user", "content": [{"type": "input_text", "text": t}]}]},
        "instructions": lambda t: {"input": "a", "instructions": t},
        "call output": lambda t: {"input": [{"type": "function_call_output", "call_id": "c", "output": t}]},
        "parts of an output": lambda t: {"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": h} for h in _halves(t)]}]},
        "file of an output": lambda t: {"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "file", "file_id": "file-1", "x": t}]}]},
        "stored elsewhere": lambda t: {"input": t, "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
        "previous": lambda t: {"input": "go on", "previous_response_id": "resp_1", "metadata": {"note": t}},
    },
    "/v1/embeddings": {"input": lambda t: {"input": t}, "inputs": lambda t: {"input": ["a", t]}},
    "/v1/messages": {
        "user": lambda t: {"max_tokens": 16, "messages": [{"role": "user", "content": t}]},
        "system": lambda t: {"max_tokens": 16, "system": [{"type": "text", "text": t}], "messages": [{"role": "user", "content": "a"}]},
        "split system": lambda t: {"max_tokens": 16, "system": _parts(_halves(t)), "messages": [{"role": "user", "content": "a"}]},
        "server": lambda t: {"max_tokens": 16, "mcp_servers": [{"type": "url", "url": "https://mcp.example/"}], "messages": [{"role": "user", "content": t}]},
        "container": lambda t: {"max_tokens": 16, "container": "cont_1", "messages": [{"role": "user", "content": t}]},
        "image deep in results": lambda t: {
            "max_tokens": 16,
            "messages": [{"role": "user", "content": [_nested({"type": "image", "note": t, "source": {"type": "url", "url": "https://x.example/a.png"}}, 4)]}],
        },
        "tool result": lambda t: {
            "max_tokens": 16,
            "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": [{"type": "text", "text": t}]}]}],
        },
        "document": lambda t: {
            "max_tokens": 16,
            "messages": [{"role": "user", "content": [{"type": "document", "title": "x", "source": {"type": "text", "media_type": "text/plain", "data": t}}]}],
        },
    },
}  # fmt: skip
# Whatever the text says, these hold what cannot be seen here.
OPAQUE_PLACES = frozenset(
    [
        "image",
        "file name",
        "outer url",
        "hosted tool",
        "file of an output",
        "stored elsewhere",
        "previous",
        "server",
        "container",
        "image deep in results",
        "unknown part",
    ]
)
