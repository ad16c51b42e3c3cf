"""Cases for the leak test: class x endpoint x where the text stands x stream x fault, outside and inside."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.gateway.leak_faults import AMID_A_HOP, KILL, NO_RECORD, NOT_JUDGED, UPSTREAM

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
    "long": "The quarterly report covers the suppliers. " * 500 + "Konto DE89 3704 0044 0532 0130 00",
}
PLAIN = {
    "plain": "What is the capital of France?",
    "over length": "The quarterly report covers the suppliers. " * 1500,  # more than the policy lets be read
    "bad utf-8": "What is the capital of France? BADBYTE",
}
LABELS = (None, "public", "internal", "confidential", "personal", "art9", "secrecy", "no-such", "")
FAULTS = (*UPSTREAM, *NO_RECORD, "detector raises", "reload")
_HANGS = 100  # one in so many: each takes half a second
_KILLS = 40  # one in so many, since each kill costs a start
_HOPS = 100  # one in so many, of texts that may leave: each takes a second
_LEAVES = 20  # one in so many may leave: the judge has to see something


class Case(NamedTuple):
    marker: str
    path: str
    headers: dict[str, str]
    body: bytes
    may_leave: bool
    fault: str
    told: str


Place = Callable[[str], dict[str, Any]]


def _chat(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "see above"}], **more}


def _call(text: str) -> dict[str, Any]:
    function = {"name": "note", "arguments": json.dumps({"text": text})}
    return {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]}


def _tool(text: str, **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "note", "description": text, **function}}


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
        "previous": lambda t: {"input": "go on", "previous_response_id": "resp_1", "metadata": {"note": t}},
    },
    "/v1/embeddings": {"input": lambda t: {"input": t}, "inputs": lambda t: {"input": ["a", t]}},
    "/v1/messages": {
        "user": lambda t: {"max_tokens": 16, "messages": [{"role": "user", "content": t}]},
        "system": lambda t: {"max_tokens": 16, "system": [{"type": "text", "text": t}], "messages": [{"role": "user", "content": "a"}]},
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
MODELS = ("auto", "claude-opus", "mistral-medium", "auto:public", "claude-opus:public")


def make_cases(seed: int, count: int) -> list[Case]:
    """Sensitive texts with every label, and plain texts with labels above public: none of them may leave for the USA.

    `may_leave` is true for a plain text that is labelled public.
    """
    dice = random.Random(seed)  # noqa: S311 - a seed, not a secret
    places = [(path, name, place) for path, named in PLACES.items() for name, place in named.items()]
    hangs, hops, kills = max(8, count // _HANGS), max(8, count // _HOPS), max(32, count // _KILLS)
    leaving = count // _LEAVES
    product = itertools.product(places, [*TEXTS.items(), *PLAIN.items()], LABELS, FAULTS)
    chosen = dice.sample(list(product), count - hangs - kills - hops - leaving)
    killing = itertools.product(places, [*TEXTS.items(), *PLAIN.items()], LABELS, [KILL])
    chosen += dice.sample(list(killing), kills)
    hanging = itertools.product(places, [*TEXTS.items(), *PLAIN.items()], LABELS, ["detector hangs"])
    # A long text is read in a thread, where nothing but the end of the process breaks off a search (test_alarm.py).
    chosen += dice.sample([case for case in hanging if case[1][0] != "long"], hangs)
    harmless = [("plain", PLAIN["plain"])]
    may_go = list(itertools.product(places, harmless, ["public"], [*UPSTREAM, "reload", KILL]))
    chosen += dice.choices(may_go, k=leaving)
    chosen += dice.choices(list(itertools.product(places, harmless, ["public"], [AMID_A_HOP])), k=hops)
    cases = []
    for number, ((path, name, place), (kind, text), label, fault) in enumerate(chosen):
        marker = f"marker{seed}x{number}x"
        model = dice.choice(MODELS)
        body = {"model": model, **place(f"{marker} {text}")}
        if dice.random() < 0.5 and path != "/v1/embeddings":
            body["stream"] = True
        headers = {"x-task-type": "strategy", **({} if label is None else {"x-data-class": label})}
        labelled = label if label is not None else ("public" if model.endswith(":public") else None)
        may = kind == "plain" and labelled in (None, "public", "internal") and fault not in (*NO_RECORD, *NOT_JUDGED)
        raw = json.dumps(body).encode().replace(b"BADBYTE", b"\xff")
        cases.append(Case(marker, path, headers, raw, may, fault, f"{name}/{kind}/{label}/{model}/{fault}"))
    return sorted(cases, key=lambda case: case.fault)
