"""Ctrl-C while a playbook runs: whenever it comes, it ends the run."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provision.errors import RunInterruptedError
from provision.runner.execute import Playbook, run_playbook
from provision.runner.workspace import Workspace


@pytest.mark.parametrize("status", ["canceled", "successful"], ids=["in the middle", "as it ends"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_not_lost(
    status: str, number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(**_: Any) -> SimpleNamespace:
        os.kill(os.getpid(), number)
        return SimpleNamespace(status=status, rc=0)

    monkeypatch.setattr("ansible_runner.run", run)
    before = signal.getsignal(number)
    with pytest.raises(RunInterruptedError, match="interrupted"):
        run_playbook(Workspace(tmp_path, "lab"), Playbook(name="site"), lambda _: None)
    assert signal.getsignal(number) == before


def test_without_one_the_run_is_told_as_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_runner.run", lambda **_: SimpleNamespace(status="successful", rc=0))
    assert run_playbook(Workspace(tmp_path, "lab"), Playbook(name="site"), lambda _: None).status == "successful"
