"""The gateway as a process: who is let in, where requests go, what is written down. Judged at the mocks' sockets."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.gateway.running import PUBLIC, Lab

CHAT: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Name the capital of France."}]}
IBAN = "DE89 3704 0044 0532 0130 00"


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **more}


def test_a_public_question_goes_to_the_cloud_and_says_so(lab: Lab) -> None:
    answer = lab.post("/v1/chat/completions", CHAT, **PUBLIC)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "answer of cloud"
    assert (answer.headers["x-data-class"], answer.headers["x-zone"]) == ("public", "us-cloud")
    assert (answer.headers["x-model"], answer.headers["x-rule"]) == ("claude-opus", "strategy")
    assert len(answer.headers["x-decision-record"]) == 36
    assert [item["path"] for item in lab.seen("cloud")] == ["/v1/messages"]


def test_without_a_label_it_stays_at_home(lab: Lab) -> None:
    answer = lab.post("/v1/chat/completions", CHAT)
    assert answer.json()["choices"][0]["message"]["content"] == "answer of home"
    assert answer.headers["x-data-class"] == "internal"
    assert lab.seen("cloud") == []


def test_a_found_iban_keeps_a_public_label_at_home(lab: Lab) -> None:
    answer = lab.post("/v1/chat/completions", chat(f"Pay to {IBAN} please"), **PUBLIC)
    assert (answer.status_code, answer.headers["x-data-class"]) == (200, "personal")
    assert lab.seen("cloud") == []
    assert len(lab.seen("home")) == 1


def test_a_named_cloud_model_is_refused_with_the_reason_and_no_value(lab: Lab) -> None:
    body = chat(f"Pay to {IBAN}", model="claude-opus")
    answer = lab.post("/v1/chat/completions", body, **PUBLIC)
    assert answer.status_code == 403
    assert "personal may not be computed on in us-cloud" in answer.json()["error"]["message"]
    assert "3704" not in answer.text
    assert lab.seen("cloud") == lab.seen("home") == []


def test_a_conversation_never_drops_below_what_it_has_held(lab: Lab) -> None:
    named = {**PUBLIC, "x-conversation-id": "c-1"}
    lab.post("/v1/chat/completions", chat(f"Pay to {IBAN}"), **named)
    answer = lab.post("/v1/chat/completions", CHAT, **named)
    assert answer.headers["x-data-class"] == "personal"
    other = lab.post("/v1/chat/completions", CHAT, **{**PUBLIC, "x-conversation-id": "c-2"})
    assert other.headers["x-data-class"] == "public"
    assert len(lab.seen("cloud")) == 1


@pytest.mark.parametrize("suffix", ["auto:confidential", "auto:no-such-class", "auto:"])
def test_the_models_suffix_is_a_label(lab: Lab, suffix: str) -> None:
    headers = {"x-task-type": "strategy"}
    assert lab.post("/v1/chat/completions", chat("hello", model=suffix), **headers).status_code == 200
    assert lab.seen("cloud") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"model": "auto", "messages": [{"role": "user", "content": "\xff\xfe"}]}', 400),
        (json.dumps(chat("x", model="no-such-model")).encode(), 403),
        (json.dumps(chat("x", model=7)).encode(), 400),
        (b'{"model": "auto", "messages": "' + b"x" * (9 * 1024 * 1024) + b'"}', 413),
    ],
    ids=["not json", "a list", "bad utf-8", "unknown model", "model is a number", "too large"],
)
def test_what_cannot_be_judged_goes_nowhere(lab: Lab, body: bytes, status: int) -> None:
    answer = lab.post("/v1/chat/completions", body, **PUBLIC)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert lab.seen("cloud") == lab.seen("home") == []


def test_an_unknown_part_stays_at_home(lab: Lab) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": [{"type": "hologram", "data": "x"}]}]}
    answer = lab.post("/v1/chat/completions", body, **PUBLIC)
    assert (answer.status_code, answer.headers["x-zone"]) == (200, "home")
    assert lab.seen("cloud") == []


@pytest.mark.parametrize(
    "path", ["/v1/completions", "/v1/files", "/", "/v1/chat/completions/", "/v1//models", "/metrics"]
)
def test_unknown_paths_are_not_there(lab: Lab, path: str) -> None:
    assert lab.post(path, CHAT, **PUBLIC).status_code == 404
    assert lab.seen("cloud") == lab.seen("home") == []


def test_a_wrong_key_is_refused(lab: Lab) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}, {"authorization": lab.key}):
        answer = httpx.post(lab.url + "/v1/chat/completions", json=CHAT, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_models_carry_their_zone(lab: Lab) -> None:
    answer = httpx.get(lab.url + "/v1/models", headers={"authorization": f"Bearer {lab.key}"})
    names = {item["id"]: item["name"] for item in answer.json()["data"]}
    assert names["auto"].startswith("Auto")
    assert names["claude-opus"] == "Claude Opus (Provider in the USA)"


@pytest.mark.parametrize("fault", ["status-500", "status-429", "reset", "status-401", "status-403"])
def test_a_cloud_that_fails_falls_back_and_the_last_one_is_home(lab: Lab, fault: str) -> None:
    lab.fault("cloud", fault)
    answer = lab.post("/v1/chat/completions", CHAT, **PUBLIC)
    assert (answer.status_code, answer.headers["x-zone"]) == (200, "home")
    assert len(lab.seen("cloud")) == 2


def test_an_engine_that_fails_is_not_replaced_by_the_cloud(lab: Lab) -> None:
    lab.fault("home", "status-500")
    answer = lab.post("/v1/chat/completions", chat("hello"), **{"x-data-class": "confidential"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "no_answer")
    assert lab.seen("cloud") == []


@pytest.mark.parametrize("fault", ["status-401", "status-403"])
def test_a_provider_that_refuses_our_key_is_no_refusal_of_the_clients(lab: Lab, fault: str) -> None:
    def failures() -> str:
        told = httpx.get(lab.url + "/metrics", auth=lab.reader).text
        return "\n".join(line for line in told.splitlines() if "key_refused" in line and "claude-opus" in line)

    before = failures()
    lab.fault("cloud", fault)
    answer = lab.post("/v1/chat/completions", chat("hello", model="claude-opus"), **PUBLIC)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "no_answer")
    assert "claude-opus: key_refused" in answer.json()["error"]["message"]
    assert failures() != before


def test_a_person_named_for_anthropic_stays_here(lab: Lab) -> None:
    body = {"max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], "metadata": {"user_id": "anna-4711"}}
    assert lab.post("/v1/messages", {"model": "claude-opus", **body}, **PUBLIC).headers["x-zone"] == "us-cloud"
    assert lab.post("/v1/messages", {"model": "chat", **body}, **PUBLIC).headers["x-zone"] == "home"
    assert "anna" not in lab.seen("cloud")[0]["raw"]
    assert json.loads(lab.seen("home")[0]["raw"])["metadata"] == {"user_id": "anna-4711"}


def test_what_is_the_gateways_and_the_users_name_stay_here(lab: Lab) -> None:
    body = chat("hello", model="mistral-medium", user="anna", metadata={"task_type": "strategy", "own": "kept"})
    assert lab.post("/v1/chat/completions", body, **PUBLIC).status_code == 200
    (sent,) = [json.loads(item["raw"]) for item in lab.seen("cloud")]
    assert sent["model"] == "mistral-medium-latest"
    assert sent["metadata"] == {"own": "kept"}
    assert "user" not in sent


def test_a_stream_that_breaks_is_told_and_not_repeated(lab: Lab) -> None:
    lab.fault("cloud", "break-after-first")
    body = chat("hello", model="mistral-medium", stream=True)
    answer = lab.post("/v1/chat/completions", body, **PUBLIC)
    assert "upstream_broke" in answer.text
    assert len(lab.seen("cloud")) == 1
    assert lab.seen("home") == []
