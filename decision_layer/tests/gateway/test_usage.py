"""Tokens of streams are counted in every case, and told to the client that asked alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision_layer.gateway.usage import Tally, UsageDropper
from decision_layer.gateway.wire import make_outgoing
from decision_layer.policy.load import read_policy
from tests.gateway.mock_upstream import LONG
from tests.gateway.running import EXAMPLE, PUBLIC, Lab

MODELS = {model.name: model for model in read_policy(EXAMPLE).policy.models}
COUNT = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
SAYS_IT = 'a model that writes "choices":[] and "usage":{} itself'


def chunk(**more: Any) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    return b"data: " + json.dumps({**head, **more}, separators=(",", ":")).encode() + b"\n\n"


def content(text: str) -> bytes:
    return chunk(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": None}], usage=None)


FILTERED = chunk(choices=[], prompt_filter_results=[{"prompt_index": 0}])
"""Azure's first chunk: no choices either, and no count."""
KEPT = [FILTERED, content("one"), content(SAYS_IT), b": still here\n\n", b"data: [DONE]\n\n"]
WITH_COUNT = b"".join([*KEPT[:4], chunk(choices=[], usage=COUNT), KEPT[4]])


def feed(pieces: Iterator[bytes] | list[bytes]) -> bytes:
    dropper = UsageDropper()
    return b"".join([*map(dropper.feed, pieces), dropper.end()])


@given(st.lists(st.integers(0, len(WITH_COUNT)), max_size=8), st.booleans())
def test_only_the_count_is_dropped_wherever_the_pieces_are_cut(cuts: list[int], windows: bool) -> None:
    stream, kept = WITH_COUNT, b"".join(KEPT)
    if windows:
        stream, kept = stream.replace(b"\n", b"\r\n"), kept.replace(b"\n", b"\r\n")
    ends = [0, *sorted(cuts), len(stream)]
    assert feed([stream[a:b] for a, b in pairwise(ends)]) == kept


def test_a_count_without_its_empty_line_is_dropped_too() -> None:
    assert feed([KEPT[1], chunk(choices=[], usage=COUNT).rstrip()]) == KEPT[1]


def test_a_whole_event_never_waits() -> None:
    dropper = UsageDropper()
    for event in KEPT:
        assert dropper.feed(event) == event
    assert dropper.feed(KEPT[1] + KEPT[2][:30]) == KEPT[1]
    assert dropper.feed(KEPT[2][30:]) == KEPT[2]


def test_an_endless_event_is_not_gathered() -> None:
    dropper = UsageDropper()
    assert len(b"".join(dropper.feed(b"x" * 1000) for _ in range(200))) > 100_000


def test_anthropics_cache_counts_beside_its_input_and_openais_within() -> None:
    tally = Tally()
    tally.feed(b'{"usage":{"input_tokens":7,"cache_read_input_tokens":100,"cache_creation_input_tokens":20}}')
    tally.feed(b'{"delta":"word"}' * 5000)
    tally.feed(b'{"usage":{"output_tokens":1000}}')
    assert tally.tokens == (127, 1000)
    tally = Tally()
    tally.feed(b'{"usage":{"prompt_tokens":107,"completion_tokens":3,"cache_read_input_tokens":100}}')
    assert tally.tokens == (107, 3)


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False, "x": 1}}, {"stream_options": 7}])
def test_a_stream_is_asked_for_its_count(options: dict[str, Any]) -> None:
    chat = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}

    def sent(name: str, body: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(make_outgoing(MODELS[name], "chat", body, home=False, keys={}).body)
        return made

    assert sent("chat", {**chat, **options, "stream": True})["stream_options"]["include_usage"] is True
    assert "stream_options" not in sent("chat", chat)
    assert "stream_options" not in sent("mistral-medium", {**chat, **options, "stream": True})
    assert "stream_options" not in sent("claude-opus", {**chat, **options, "stream": True})


@pytest.mark.parametrize("asked", [None, False, True])
@pytest.mark.parametrize("headers", [{}, PUBLIC], ids=["openai", "anthropic"])
def test_a_client_sees_the_count_if_it_asked_and_the_record_has_it_always(
    lab: Lab, headers: dict[str, str], asked: bool | None
) -> None:
    client = openai.OpenAI(base_url=lab.url + "/v1", api_key=lab.key, default_headers=headers, max_retries=0)
    options: Any = openai.omit if asked is None else {"include_usage": asked}
    stream = client.chat.completions.with_raw_response.create(
        model="auto", messages=[{"role": "user", "content": "hello"}], stream=True, stream_options=options
    )
    chunks = list(stream.parse())
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices).startswith("answer of")
    assert [c.usage.total_tokens for c in chunks if c.usage] == ([9] if asked else [])
    assert all(c.choices for c in chunks) is not bool(asked)
    outcome = lab.outcome(stream.headers["x-decision-record"])
    assert (outcome.input_tokens, outcome.output_tokens) == (7, 2)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("headers", [{}, PUBLIC], ids=["home", "cloud"])
def test_a_long_stream_keeps_its_count(lab: Lab, path: str, headers: dict[str, str]) -> None:
    for side in ("home", "cloud"):
        lab.fault(side, "long")
    body = {"model": "auto", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}], "stream": True}
    answer = lab.post(path, body, **headers)
    assert len(answer.content) > LONG
    outcome = lab.outcome(answer.headers["x-decision-record"])
    assert (outcome.input_tokens, outcome.output_tokens) == (7, 2)


@pytest.mark.parametrize("headers", [{}, PUBLIC], ids=["home", "cloud"])
def test_a_message_stream_that_breaks_is_an_exception_of_the_official_client(lab: Lab, headers: dict[str, str]) -> None:
    for side in ("home", "cloud"):
        lab.fault(side, "break-after-first")
    client = anthropic.Anthropic(base_url=lab.url, api_key=lab.key, default_headers=headers, max_retries=0)
    asked: Any = {"model": "auto", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}
    with pytest.raises(anthropic.APIStatusError, match="the model broke off"):
        list(client.messages.create(**asked, stream=True))
    with pytest.raises(anthropic.APIStatusError, match="the model broke off"), client.messages.stream(**asked) as seen:
        seen.get_final_message()


def test_a_chat_stream_that_breaks_is_an_exception_of_the_official_client(lab: Lab) -> None:
    lab.fault("home", "break-after-first")
    client = openai.OpenAI(base_url=lab.url + "/v1", api_key=lab.key, max_retries=0)
    with pytest.raises(openai.APIError, match="the model broke off"):
        list(client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "hi"}], stream=True))


@pytest.mark.parametrize("headers", [{}, PUBLIC], ids=["home", "cloud"])
def test_no_event_waits_for_the_next_one(lab: Lab, headers: dict[str, str]) -> None:
    for side in ("home", "cloud"):
        lab.fault(side, "slow")  # five seconds between events
    client = openai.OpenAI(base_url=lab.url + "/v1", api_key=lab.key, default_headers=headers, max_retries=0)
    begin = time.monotonic()
    with client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "hello"}], stream=True
    ) as stream:
        next(stream)
        assert time.monotonic() - begin < 2.5
