"""What a client writes stands in no record in clear: of its words only those that the policy knows itself."""

from __future__ import annotations

from typing import Any

import pytest

from decision_layer.audit.reader import LogReader
from decision_layer.audit.sqlite import SqliteBackend
from tests.gateway.running import PUBLIC, Lab

PATH = "/v1/chat/completions"
SECRET = "Anna Hansen 010170-1234 DE89370400440532013000"


def chat(content: Any = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": content}], **more}


def nested(times: int) -> Any:
    return {SECRET: nested(times - 1)} if times else 1


BODIES: dict[str, dict[str, Any]] = {
    "type of a part": chat([{"type": SECRET, "text": "x"}]),
    "role": {"model": "auto", "messages": [{"role": SECRET, "content": "x"}]},
    "key with NUL": chat(metadata={SECRET: "a\0b"}),
    "key like a path": chat(metadata={f"messages[010170].{SECRET}": "a\0b"}),
    "key in a message": {"model": "auto", "messages": [{"role": "user", "content": "x", f"content[{SECRET}": "\0"}]},
    "deep": chat(x=nested(60)),
    "model": chat(model=SECRET),
    "suffix": chat(model=f"auto:{SECRET}"),
    "label": chat(metadata={"data_class": SECRET}),
    "task": chat(metadata={"task_type": SECRET}),
    "step": chat(metadata={"workflow_step": SECRET}),
    "language": chat(metadata={"language": SECRET}),
    "conversation": chat(metadata={"conversation_id": [SECRET]}),
    "key that Anthropic does not know": chat(model="claude-opus", **{SECRET: 1}),
    "tool that Anthropic does not know": chat(model="claude-opus", tools=[{"type": "x" + SECRET[:4]}]),
}


def last_entries(lab: Lab, record: str) -> str:
    reader = LogReader(SqliteBackend(lab.folder / "state" / "audit"))
    return "\n".join(str(found.entry) for found in reader.of(record))


@pytest.mark.parametrize("place", BODIES)
def test_no_record_holds_what_was_written(lab: Lab, place: str) -> None:
    answer = lab.post(PATH, BODIES[place], **{"x-data-class": "public"})
    told = last_entries(lab, answer.headers["x-decision-record"])
    assert "effective_class=" in told
    for piece in ("Anna", "anna", "010170", "3704"):
        assert piece not in told, told


def test_words_that_the_policy_knows_are_recorded(lab: Lab) -> None:
    answer = lab.post(PATH, chat(model="claude-opus:public"), **{"x-task-type": "strategy", "x-workflow-step": "odd"})
    told = last_entries(lab, answer.headers["x-decision-record"])
    for piece in ("strategy", "claude-opus", "explicit_label='public'", "workflow_step='(unknown)'"):
        assert piece in told


def test_a_reason_says_what_and_which_message(lab: Lab) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "x"}, {"role": "odd", "content": "x"}]}
    answer = lab.post(PATH, body, **PUBLIC)
    assert "unknown form" in last_entries(lab, answer.headers["x-decision-record"])
    assert "messages[1]" in last_entries(lab, answer.headers["x-decision-record"])
