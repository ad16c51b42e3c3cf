"""What a client says about its request: of several labels the highest holds, and of several conversations too."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.gateway.running import PUBLIC, Lab

IBAN = "DE89 3704 0044 0532 0130 00"
PATH = "/v1/chat/completions"
TASK = {"x-task-type": "strategy"}


def chat(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **more}


def send(lab: Lab, headers: list[tuple[str, str]], **more: Any) -> httpx.Response:
    """With headers that may stand there twice."""
    with httpx.Client() as client:
        own = [("authorization", f"Bearer {lab.key}"), *TASK.items(), *headers]
        return client.post(lab.url + PATH, json=chat(**more), headers=own, timeout=20)


@pytest.mark.parametrize(
    ("headers", "more", "highest"),
    [
        (["public"], {"metadata": {"data_class": "confidential"}}, "confidential"),
        (["confidential"], {"metadata": {"data_class": "public"}}, "confidential"),
        (["public"], {"model": "auto:confidential"}, "confidential"),
        ([], {"metadata": {"data_class": "public"}, "model": "auto:art9"}, "art9"),
        (["confidential", "public"], {}, "confidential"),
        (["public", "confidential"], {}, "confidential"),
        (["public"], {"metadata": {"data_class": "pubic"}}, "secrecy"),
        (["public"], {"metadata": {"data_class": ["public"]}}, "secrecy"),
        (["public, confidential"], {}, "secrecy"),
        (["public", "art9"], {"metadata": {"data_class": "confidential"}, "model": "auto:internal"}, "art9"),
    ],
)
def test_the_highest_of_all_labels_holds_and_an_unknown_one_is_the_highest(
    lab: Lab, headers: list[str], more: dict[str, Any], highest: str
) -> None:
    answer = send(lab, [("x-data-class", label) for label in headers], **more)
    assert (answer.status_code, answer.headers["x-data-class"], answer.headers["x-zone"]) == (200, highest, "home")
    assert lab.seen("cloud") == []


def test_labels_that_agree_are_one(lab: Lab) -> None:
    answer = send(lab, [("x-data-class", "public")], metadata={"data_class": "public"}, model="auto:public")
    assert (answer.headers["x-data-class"], answer.headers["x-zone"]) == ("public", "us-cloud")


def test_two_keys_are_none(lab: Lab) -> None:
    answer = send(lab, [("authorization", f"Bearer {lab.key}")])
    assert answer.status_code == 401


@pytest.mark.parametrize("number", [12345, 0.5, -7, 10**15])
def test_a_conversation_named_by_a_number_keeps_its_class(lab: Lab, number: float) -> None:
    named = {"metadata": {"conversation_id": number}}
    lab.post(PATH, chat(f"Pay to {IBAN}", **named), **PUBLIC)
    answer = lab.post(PATH, chat("summarise it", **named), **PUBLIC)
    assert answer.headers["x-data-class"] == "personal"
    as_text = lab.post(PATH, chat("and now", metadata={"conversation_id": str(number)}), **PUBLIC)
    assert as_text.headers["x-data-class"] == "personal"
    assert lab.seen("cloud") == []


@pytest.mark.parametrize("name", [["c"], {"id": "c"}, True])
def test_a_conversation_with_no_name_that_can_be_kept_is_a_doubt(lab: Lab, name: Any) -> None:
    answer = lab.post(PATH, chat(metadata={"conversation_id": name}), **PUBLIC)
    assert (answer.status_code, answer.headers["x-zone"]) == (200, "home")
    assert lab.seen("cloud") == []
    assert lab.post(PATH, chat(metadata={"conversation_id": None}), **PUBLIC).headers["x-zone"] == "us-cloud"


def test_of_several_conversations_the_highest_holds_and_all_rise(lab: Lab) -> None:
    lab.post(PATH, chat(f"Pay to {IBAN}", metadata={"conversation_id": "held"}), **PUBLIC)
    both = chat(metadata={"conversation_id": "held"})
    assert lab.post(PATH, both, **PUBLIC, **{"x-conversation-id": "fresh"}).headers["x-data-class"] == "personal"
    assert lab.post(PATH, chat(), **PUBLIC, **{"x-conversation-id": "fresh"}).headers["x-data-class"] == "personal"
    twice = [("x-conversation-id", "held"), ("x-conversation-id", "third"), ("x-data-class", "public")]
    assert send(lab, twice).headers["x-data-class"] == "personal"
    assert lab.post(PATH, chat(), **PUBLIC, **{"x-openwebui-chat-id": "third"}).headers["x-data-class"] == "personal"
    assert lab.seen("cloud") == []
