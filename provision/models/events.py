"""What a run reports while it goes on."""

from __future__ import annotations

from typing import Any, Literal

from provision.models.base import Frozen


class StageStarted(Frozen):
    kind: Literal["stage-started"] = "stage-started"
    stage: str


class StageEnded(Frozen):
    kind: Literal["stage-ended"] = "stage-ended"
    stage: str
    seconds: float


class Note(Frozen):
    """A line of progress within a stage."""

    kind: Literal["note"] = "note"
    text: str


class TaskStarted(Frozen):
    """A task has begun on one host."""

    kind: Literal["task-started"] = "task-started"
    host: str
    name: str
    role: str


class HostResult(Frozen):
    """One task on one host has ended."""

    kind: Literal["host-result"] = "host-result"
    host: str
    task: str
    role: str
    status: Literal["ok", "changed", "failed", "unreachable", "skipped"]
    message: str = ""
    hint: str = ""
    seconds: float = 0.0


Event = StageStarted | StageEnded | Note | TaskStarted | HostResult


class HostStats(Frozen):
    ok: int = 0
    changed: int = 0
    failures: int = 0
    unreachable: int = 0
    skipped: int = 0


class RunOutcome(Frozen):
    """How a playbook ended."""

    run_id: str
    status: Literal["successful", "failed", "unreachable", "interrupted"]
    seconds: float
    hosts: dict[str, HostStats]
    failures: tuple[HostResult, ...]
    outputs: dict[str, Any]
    """stdout of the task named 'Collect the observation', per host."""
    log: str = ""

    @property
    def changed(self) -> int:
        return sum(stats.changed for stats in self.hosts.values())
