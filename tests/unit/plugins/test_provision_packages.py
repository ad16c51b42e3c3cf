"""Decisions of provision_packages with dpkg and apt replaced (simulated); the real ones run in molecule/base."""

from __future__ import annotations

import fcntl
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

MODULE = Path(__file__).parents[3] / "plugins" / "modules" / "provision_packages.py"
HOLDER = """
import fcntl, sys, time
stream = open(sys.argv[1], "a")
fcntl.lockf(stream, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


class Machine:
    """A simulated dpkg: remembers every command, and fails those that it was told to fail."""

    def __init__(self, module: ModuleType) -> None:
        self.refused = module.Refused
        self.calls: list[str] = []
        self.audit: list[str] = []
        self.failing: dict[str, int] = {}
        self.policy_seen: list[bool] = []
        self.module = module

    def call(self, *words: str) -> str:
        line = " ".join(words)
        self.calls.append(line)
        self.policy_seen.append(self.module.POLICY.exists())
        for part, left in self.failing.items():
            if part in line and left:
                self.failing[part] = left - 1
                raise self.refused(f"{part} failed")
        if line == "dpkg --audit":
            return self.audit.pop(0) if self.audit else ""
        return "held-one\n" if "showhold" in line else ""

    def installs(self) -> list[str]:
        return [line for line in self.calls if "apt-get" in line and " install " in line]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("provision_packages", MODULE)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    monkeypatch.setattr(loaded, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(loaded, "LOCK", tmp_path / "lock-frontend")
    monkeypatch.setattr(loaded, "list_missing", lambda names: [name for name in names if "new" in name])
    monkeypatch.setattr(loaded.time, "sleep", lambda _seconds: None)
    return loaded


@pytest.fixture
def machine(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Machine:
    simulated = Machine(module)
    monkeypatch.setattr(module, "call", simulated.call)
    return simulated


def wish(**changes: Any) -> dict[str, Any]:
    return {"names": [], "hold": [], "start_services": False, "lock_seconds": 1, **changes}


def test_nothing_missing_means_no_apt_call(module: ModuleType, machine: Machine) -> None:
    assert module.apply_all(wish(names=["here"], hold=["held-one"]), dry=False) == []
    assert not [line for line in machine.calls if "apt-get" in line]


def test_all_missing_packages_go_in_one_call(module: ModuleType, machine: Machine) -> None:
    assert module.apply_all(wish(names=["new-a", "here", "new-b"]), dry=False) == [
        "install new-a",
        "install new-b",
    ]
    assert len(machine.installs()) == 1
    assert machine.installs()[0].endswith("install new-a new-b")


def test_services_do_not_start_during_the_install(module: ModuleType, machine: Machine) -> None:
    module.apply_all(wish(names=["new"]), dry=False)
    assert machine.policy_seen[-1] is True
    assert not module.POLICY.exists()


def test_policy_of_somebody_else_stays(module: ModuleType, machine: Machine) -> None:
    module.POLICY.write_text("exit 0\n")
    module.apply_all(wish(names=["new"]), dry=False)
    assert module.POLICY.read_text() == "exit 0\n"


def test_policy_left_by_a_killed_run_goes(module: ModuleType, machine: Machine) -> None:
    module.POLICY.write_text(module.POLICY_TEXT)
    module.apply_all(wish(), dry=False)
    assert not module.POLICY.exists()


def test_old_lists_are_updated_and_the_install_tried_again(module: ModuleType, machine: Machine) -> None:
    machine.failing = {" install ": 1, "update": 2}
    module.apply_all(wish(names=["new"]), dry=False)
    assert len(machine.installs()) == 2
    assert len([line for line in machine.calls if line.endswith(" update")]) == 3


def test_failed_install_is_refused_and_leaves_no_policy(module: ModuleType, machine: Machine) -> None:
    machine.failing = {" install ": 2}
    with pytest.raises(module.Refused):
        module.apply_all(wish(names=["new"]), dry=False)
    assert not module.POLICY.exists()


def test_interrupted_dpkg_is_finished_first(module: ModuleType, machine: Machine) -> None:
    machine.audit = ["half-configured: x", "half-configured: x"]
    actions = module.apply_all(wish(names=["new"]), dry=False)
    assert actions == ["dpkg --configure -a", "install new"]
    configured = next(index for index, line in enumerate(machine.calls) if "--configure" in line)
    assert "install new" in " ".join(machine.calls[configured:])


def test_audit_of_a_running_dpkg_is_not_an_interruption(module: ModuleType, machine: Machine) -> None:
    machine.audit = ["half-configured: x", ""]
    assert module.apply_all(wish(), dry=False) == []


def test_check_mode_calls_nothing_that_changes(module: ModuleType, machine: Machine) -> None:
    assert module.apply_all(wish(names=["new"], hold=["other"]), dry=True) == ["install new", "hold other"]
    assert machine.calls == ["dpkg --audit", "apt-mark showhold"]


def test_lock_is_waited_for(module: ModuleType, machine: Machine) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(module.LOCK), "30"], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(module.Refused, match="still held"):
            module.wait_for_lock(0)
    finally:
        holder.kill()
        holder.wait()
    module.wait_for_lock(5)
    with module.LOCK.open("a") as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_other_system_is_refused(module: ModuleType) -> None:
    module.refuse_other_system("debian 12", 'NAME="Debian"\nID=debian\nVERSION_ID="12"\n')
    with pytest.raises(module.Refused, match=r"ubuntu 24\.04.*debian 12"):
        module.refuse_other_system("debian 12", 'ID=ubuntu\nVERSION_ID="24.04"\n')
