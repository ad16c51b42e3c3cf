"""What Proxmox answers becomes three lines, the right kind of error and a next step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from proxmoxer.core import ResourceException

from provision.errors import ExitCode, ProvisionError, RunError
from provision.models.guests import GuestState
from provision.platforms.proxmox import ProxmoxNode, explain_task

LONG = "unable to create CT 42011 - volume 'x' does not exist"


class Answer:
    """Stands for proxmoxer's resource: whatever is asked, one answer or one exception."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self.answer, self.asked = answer, ""

    def __getattr__(self, name: str) -> Any:
        if name in ("get", "post", "put", "delete"):
            return lambda **_: self.answer(self.asked)
        self.asked = name
        return self

    def __call__(self, *_: Any) -> Answer:
        return self


def node(answer: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> ProxmoxNode:
    monkeypatch.setattr("provision.platforms.proxmox.ProxmoxAPI", lambda *_, **__: Answer(answer))
    return ProxmoxNode("pve.example", "pve", "acme", "secret", Path("/ca.pem"))


def raising(error: Exception) -> Callable[[str], Any]:
    def answer(_: str) -> Any:
        raise error

    return answer


CASES = {
    "token gone": (ResourceException(401, "Unauthorized", "authentication failure"), 5, "provision token"),
    "privilege": (
        ResourceException(403, "Forbidden", "Permission check failed (/vms/1, VM.Audit)"),
        5,
        "privileges.md",
    ),
    "id taken": (ResourceException(500, "Error", "CT 42011 already exists on node 'pve'"), 6, "first_id"),
    "locked": (ResourceException(500, "Error", "CT is locked (backup)"), 6, "doctor"),
    "node away": (ResourceException(595, "No route to host", "No route to host"), 7, "running"),
    "anything": (ResourceException(500, "Error", "got lock request timeout"), 6, "task list"),
    "hangs": (requests.exceptions.ReadTimeout(), 7, "run again"),
    "refused": (requests.exceptions.ConnectionError(), 7, "pveproxy"),
    "another certificate": (requests.exceptions.SSLError(), 5, "CA"),
}
GUEST = GuestState(kind="lxc", id=42011, name="engine", status="stopped", tags=(), lock=None)


@pytest.mark.parametrize("case", CASES)
def test_each_failure_of_a_request(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error, code, hint = CASES[case]
    with pytest.raises(ProvisionError) as caught:
        node(raising(error), monkeypatch).config(GUEST)
    assert caught.value.exit_code == ExitCode(code)
    assert "read the configuration of guest 42011" in caught.value.what
    assert hint in caught.value.hint
    assert "https://pve.example:8006, node pve" in caught.value.where
    assert "secret" not in str(caught.value)


def test_fields_that_proxmox_refuses_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ResourceException(400, "Bad Request", "Parameter verification failed.", errors={"net0": "invalid format"})
    with pytest.raises(RunError, match="net0: invalid format"):
        node(raising(error), monkeypatch).update(GUEST, {"net0": "x"})


def task(*states: dict[str, str]) -> Callable[[str], Any]:
    """The task's id for the request that starts it, then one state after the other."""
    told: Iterator[Any] = iter(("UPID:x", *states))
    return lambda _: next(told)


def test_a_task_is_waited_for_and_its_error_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for ended, fails in (("OK", False), ("WARNINGS: 1", False), (LONG, True)):
        api = node(task({"status": "running"}, {"status": "stopped", "exitstatus": ended}), monkeypatch)
        if fails:
            with pytest.raises(RunError, match="could not destroy guest 42011"):
                api.destroy(GUEST)
        else:
            api.destroy(GUEST)


@pytest.mark.parametrize(
    ("ended", "hint"),
    [
        ("Device /dev/nvidia-uvm does not exist", "provision-nvidia-devices"),
        ("CT is locked (snapshot)", "doctor"),
        ("write: No space left on device", "make room"),
        ("exit code 1", "log"),
        (LONG, "log"),
    ],
)
def test_known_ends_of_tasks_have_a_next_step(ended: str, hint: str) -> None:
    assert hint in explain_task("start guest 1", ended, "task x").hint
