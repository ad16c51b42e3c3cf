"""ansible-runner's events become ours."""

from __future__ import annotations

from typing import Any

import pytest

from provision.models.events import HostResult, TaskStarted
from provision.runner.events import read_event


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": {"host": "engine", "task": "t", "role": "base", "duration": 1.23456, **data}}


def test_a_task_start_names_task_and_role() -> None:
    assert read_event(event("runner_on_start")) == TaskStarted(host="engine", name="t", role="base")


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("runner_on_ok", {"res": {"changed": False}}, "ok"),
        ("runner_on_ok", {"res": {"changed": True}}, "changed"),
        ("runner_on_failed", {"res": {"msg": "no"}}, "failed"),
        ("runner_on_failed", {"res": {"msg": "no"}, "ignore_errors": True}, "ok"),
        ("runner_on_unreachable", {"res": {"msg": "gone"}}, "unreachable"),
        ("runner_on_skipped", {"res": {}}, "skipped"),
    ],
)
def test_each_result_has_its_status(kind: str, data: dict[str, Any], status: str) -> None:
    found = read_event(event(kind, **data))
    assert isinstance(found, HostResult)
    assert found.status == status
    assert found.seconds == 1.235


def test_a_failure_carries_every_reason_once() -> None:
    result = {"msg": "one", "stderr": "two", "results": [{"failed": True, "msg": "three"}, {"msg": "fine"}]}
    found = read_event(event("runner_on_failed", res=result))
    assert isinstance(found, HostResult)
    assert found.message == "one\ntwo\nthree"


def test_a_censored_result_is_not_read_into() -> None:
    found = read_event(event("runner_on_failed", res={"censored": "hidden by no_log", "changed": False}))
    assert isinstance(found, HostResult)
    assert found.message == ""


def test_noise_is_dropped() -> None:
    assert read_event({"event": "verbose", "stdout": "x"}) is None
    assert read_event(event("playbook_on_play_start")) is None
