"""The official clients, unchanged, against the gateway: chat, stream, tools, responses, embeddings, messages."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest

from tests.gateway.running import PUBLIC, Lab

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@pytest.fixture(params=[{}, PUBLIC], ids=["home", "cloud"])
def client(lab: Lab, request: pytest.FixtureRequest) -> openai.OpenAI:
    return openai.OpenAI(base_url=lab.url + "/v1", api_key=lab.key, default_headers=request.param, max_retries=0)


@pytest.fixture(params=[{}, PUBLIC], ids=["home", "cloud"])
def anthropic_client(lab: Lab, request: pytest.FixtureRequest) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=lab.url, api_key=lab.key, default_headers=request.param, max_retries=0)


def test_chat(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "hello"}])
    assert (done.choices[0].message.content or "").startswith("answer of")
    assert done.usage is not None
    assert done.usage.total_tokens == 9


def test_chat_stream(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="auto",
            messages=[{"role": "user", "content": "hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("answer of")
    assert chunks[-1].usage is not None


def test_tools(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(
        model="auto",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "weather?"},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c0", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c0", "content": "sunny"},
        ],
        tools=[TOOL],  # type: ignore[list-item]
    )
    calls = done.choices[0].message.tool_calls
    assert calls
    assert calls[0].function.name == "weather"  # type: ignore[union-attr]


def test_responses(lab: Lab) -> None:
    client = openai.OpenAI(base_url=lab.url + "/v1", api_key=lab.key, max_retries=0)
    assert client.responses.create(model="auto", input="hello").output_text == "answer of home"
    events = list(client.responses.create(model="auto", input="hello", stream=True))
    assert events[-1].type == "response.completed"


def test_embeddings(lab: Lab) -> None:
    client = openai.OpenAI(base_url=lab.url + "/v1", api_key=lab.key, max_retries=0)
    assert client.embeddings.create(model="auto", input=["hello"], encoding_format="float").data[0].embedding == [
        0.1,
        0.2,
    ]


def test_models(client: openai.OpenAI) -> None:
    assert "auto" in {model.id for model in client.models.list()}


def test_messages(anthropic_client: anthropic.Anthropic) -> None:
    done = anthropic_client.messages.create(
        model="auto", max_tokens=16, messages=[{"role": "user", "content": "hello"}]
    )
    assert done.content[0].text.startswith("answer of")  # type: ignore[union-attr]
    with anthropic_client.messages.stream(
        model="auto", max_tokens=16, messages=[{"role": "user", "content": "hello"}]
    ) as stream:
        assert stream.get_final_text().startswith("answer of")


def test_refusals_are_the_clients_own_errors(lab: Lab) -> None:
    client = openai.OpenAI(base_url=lab.url + "/v1", api_key=lab.key, max_retries=0)
    with pytest.raises(openai.PermissionDeniedError):
        client.chat.completions.create(model="claude-opus", messages=[{"role": "user", "content": "hello"}])
    with pytest.raises(openai.NotFoundError):
        client.files.list()
    wrong = anthropic.Anthropic(base_url=lab.url, api_key="wrong", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        wrong.messages.create(model="auto", max_tokens=16, messages=[{"role": "user", "content": "hello"}])
