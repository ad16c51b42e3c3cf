"""Run a playbook through ansible-runner: the only place that imports it.

Events go to the caller while the run goes on; a log stays in the run's folder.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import ansible_runner

from provision.errors import RunInterruptedError, SetupError
from provision.models.base import Frozen
from provision.models.events import Event, HostResult, HostStats, RunOutcome
from provision.places import find_content
from provision.runner.events import read_event
from provision.runner.leftovers import MARKER
from provision.runner.settings import ansible_environment
from provision.runner.workspace import Workspace, new_run_id

OBSERVATION_TASK = "Collect the observation"
_MESSAGE_LIMIT = 4000


class Playbook(Frozen):
    """What to run: a playbook's name below playbooks/."""

    name: str
    stock: bool = False
    """Ansible's own settings instead of ours: the baseline of `make bench`."""
    inventory: Path | None = None
    """The workspace's own where None."""


def run_playbook(workspace: Workspace, playbook: Playbook, report: Callable[[Event], None]) -> RunOutcome:
    """Run one playbook on the workspace's inventory and report its events.

    Raises RunInterruptedError after Ctrl-C or SIGTERM (within 10 s), SetupError if Ansible cannot start.
    """
    run_id = new_run_id()
    folder = workspace.runs / run_id
    folder.mkdir(parents=True, mode=0o700)
    collector = _Collector(report)
    started = time.monotonic()
    with _cancel_on_signal() as cancelled:
        runner = ansible_runner.run(
            private_data_dir=str(folder),
            ident="ansible",
            playbook=str(find_content("playbooks") / f"{playbook.name}.yml"),
            inventory=str(playbook.inventory or workspace.inventory),
            cmdline=_command_line(workspace),
            envvars={**ansible_environment(workspace, stock=playbook.stock), MARKER: str(workspace.folder)},
            settings={"pexpect_timeout": 1, "idle_timeout": 0, "job_timeout": 0},
            event_handler=collector.take,
            cancel_callback=cancelled,
            quiet=True,
        )
    log = folder / "artifacts" / "ansible" / "stdout"
    # A signal that comes while the playbook ends is too late to cancel it; it counts all the same.
    if runner.status == "canceled" or cancelled():
        raise RunInterruptedError(
            f"interrupted during '{collector.task or playbook.name}'",
            where=str(log),
            hint="run the same command again: it goes on where it stopped",
        )
    if runner.status not in {"successful", "failed"} or (runner.rc != 0 and not collector.hosts):
        raise SetupError(
            f"Ansible did not start: {_last_line(log) or runner.status}",
            where=str(log),
            hint="read the log; provision doctor checks the set-up",
        )
    return collector.outcome(run_id, int(runner.rc), time.monotonic() - started, log)


class _Collector:
    """Turns ansible-runner's events into ours and keeps what the outcome needs."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self.report = report
        self.task = ""
        self.hosts: dict[str, HostStats] = {}
        self.failures: list[HostResult] = []
        self.outputs: dict[str, str] = {}

    def take(self, raw: dict[str, Any]) -> bool:
        """Handle one event; True keeps ansible-runner's own record of it."""
        if raw.get("event") == "playbook_on_stats":
            self.hosts = _read_stats(raw["event_data"])
            return True
        event = read_event(raw)
        if event is None:
            return True
        if isinstance(event, HostResult):
            self._take_result(event, raw)
        elif event.kind == "task-started":
            self.task = event.name
        self.report(event)
        return True

    def _take_result(self, event: HostResult, raw: dict[str, Any]) -> None:
        if event.status in {"failed", "unreachable"}:
            self.failures.append(event)
        if event.task == OBSERVATION_TASK and event.status == "ok":
            self.outputs[event.host] = raw["event_data"]["res"].get("stdout", "")

    def outcome(self, run_id: str, return_code: int, seconds: float, log: Path) -> RunOutcome:
        unreachable = any(failure.status == "unreachable" for failure in self.failures)
        failed = "unreachable" if unreachable else "failed"
        return RunOutcome(
            run_id=run_id,
            status="successful" if return_code == 0 else failed,
            seconds=seconds,
            hosts=self.hosts,
            failures=tuple(self.failures),
            outputs=self.outputs,
            log=str(log),
        )


def _command_line(workspace: Workspace) -> str:
    parts = []
    if workspace.secrets_file.exists():
        parts += [f"--extra-vars @{workspace.secrets_file}"]
        parts += [f"--vault-password-file {workspace.vault_password_file}"]
    return " ".join(parts)


def _read_stats(data: dict[str, Any]) -> dict[str, HostStats]:
    columns = {
        "ok": "ok",
        "changed": "changed",
        "failures": "failures",
        "dark": "unreachable",
        "skipped": "skipped",
    }
    counts: dict[str, dict[str, int]] = {}
    for column, name in columns.items():
        for host, count in data.get(column, {}).items():
            counts.setdefault(host, {})[name] = count
    return {host: HostStats(**values) for host, values in sorted(counts.items())}


@contextmanager
def _cancel_on_signal() -> Iterator[Callable[[], bool]]:
    """While inside, Ctrl-C and SIGTERM ask ansible-runner to stop instead of ending this process."""
    asked: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _last_line(log: Path) -> str:
    if not log.exists():
        return ""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:_MESSAGE_LIMIT] if lines else ""
