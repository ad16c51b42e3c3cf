"""The stand-in of a cloud provider says what the API says, and keeps every byte that came to its socket."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.stand_ins.cloud_provider import ANSWER, Provider, serve_provider
from tests.stand_ins.small_authority import vouch_for

HOST = "localhost"
CHAT = {"model": "small", "messages": [{"role": "user", "content": "canary-in-a-chat"}]}


class Standing:
    def __init__(self, provider: Provider, port: int, trust: ssl.SSLContext) -> None:
        self.provider, self.port, self._trust = provider, port, trust

    def post(self, key: str = "key", **body: object) -> httpx.Response:
        url, headers = f"https://{HOST}:{self.port}/v1/chat/completions", {"Authorization": f"Bearer {key}"}
        return httpx.post(url, json=CHAT | body, headers=headers, verify=self._trust, trust_env=False)


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    vouched, provider = vouch_for(HOST), Provider(key="key")
    with serve_provider(provider, "127.0.0.1", 0, vouched.context(tmp_path)) as port:
        yield Standing(provider, port, ssl.create_default_context(cadata=vouched.authority))


def test_a_chat_is_answered_whole_and_in_pieces(standing: Standing) -> None:
    whole = standing.post()
    assert whole.json()["choices"][0]["message"]["content"] == ANSWER
    streamed = standing.post(stream=True)
    events = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line]
    assert events.pop() == "[DONE]"
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    assert "".join(choice["delta"].get("content", "") for choice in choices).strip() == ANSWER
    assert [body["messages"] for body in standing.provider.asked] == [CHAT["messages"]] * 2


def test_every_byte_is_kept_with_tls_and_without(standing: Standing) -> None:
    assert standing.post(key="wrong").status_code == 401
    provider = standing.provider
    assert provider.asked == []
    assert b"canary-in-a-chat" in provider.plain
    assert b"Bearer wrong" in provider.plain
    assert b"canary-in-a-chat" not in provider.wire
    assert len(provider.wire) > len(provider.plain)
    assert provider.callers == ["127.0.0.1"]
    provider.forget()
    assert not provider.wire
    assert not provider.callers


def test_a_caller_that_breaks_off_is_counted_and_harms_nobody(standing: Standing) -> None:
    with socket.create_connection(("127.0.0.1", standing.port)) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert standing.post().status_code == 200
    deadline = time.monotonic() + 10  # each connection has a thread of its own
    while b"GET / HTTP/1.1" not in standing.provider.wire and time.monotonic() < deadline:
        time.sleep(0.01)
    assert b"GET / HTTP/1.1" in standing.provider.wire
    assert len(standing.provider.callers) == 2


def test_it_is_known_by_its_own_authority_alone(standing: Standing) -> None:
    url = f"https://{HOST}:{standing.port}/v1/chat/completions"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.post(url, json=CHAT, verify=ssl.create_default_context(), trust_env=False)
