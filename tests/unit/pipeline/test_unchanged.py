"""A second run is left out only where neither its inputs nor the machines changed; in doubt the playbooks run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.errors import UnreachableError
from provision.models.plan import Plan
from provision.pipeline import unchanged
from provision.pipeline.state import Machines
from provision.runner.workspace import Workspace

PLAN = Plan.model_validate_json((Path(__file__).parents[2] / "fixtures" / "sme-2x4090-lab" / "plan.json").read_bytes())
STATE: Machines = {"engine": {"files": ("/etc/a 644 root 00",), "live": ("boot 1",)}}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(client_folder=tmp_path, target="lab")
    made.inventory.joinpath("host_vars").mkdir(parents=True)
    made.inventory.joinpath("host_vars", "engine.yml").write_text("a: 1\n")
    made.secrets_file.write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    return made


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Machines:
    """What the machines would answer; a test may change it."""
    answer: Machines = {name: dict(sections) for name, sections in STATE.items()}

    def read(_plan: Plan, *, live: bool) -> Machines:
        assert live
        if not answer:
            raise UnreachableError("gone", where="engine", hint="none")
        return answer

    monkeypatch.setattr(unchanged, "read_machines", read)
    return answer


def test_nothing_is_known_before_a_complete_run(workspace: Workspace, machines: Machines) -> None:
    assert unchanged.find_unchanged(workspace, PLAN) is None


def test_a_complete_run_is_found_again(workspace: Workspace, machines: Machines) -> None:
    unchanged.remember(workspace, PLAN, "run-1")
    found = unchanged.find_unchanged(workspace, PLAN)
    assert found is not None
    assert found.run_id == "run-1"
    assert workspace.converged_file.stat().st_mode & 0o777 == 0o600
    unchanged.forget(workspace)
    assert unchanged.find_unchanged(workspace, PLAN) is None


def test_a_state_that_cannot_be_read_is_not_noted(workspace: Workspace, machines: Machines) -> None:
    machines.clear()
    unchanged.remember(workspace, PLAN, "run-1")
    assert not workspace.converged_file.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda w, _: (w.inventory / "host_vars" / "engine.yml").write_text("a: 2\n"),
        lambda w, _: (w.inventory / "hosts.yml").write_text(""),
        lambda w, _: w.secrets_file.write_text("another"),
        lambda w, _: w.secrets_file.unlink(),
        lambda w, _: w.converged_file.write_text("{"),
        lambda w, _: w.converged_file.write_text(json.dumps({"run_id": "x"})),
        lambda _, m: m["engine"].update(files=("/etc/a 600 root 00",)),
        lambda _, m: m["engine"].update(live=("boot 2",)),
        lambda _, m: m.update(data={}),
        lambda _, m: m.clear(),
    ],
)
def test_whatever_changed_the_playbooks_run(
    workspace: Workspace, machines: Machines, change: Callable[[Workspace, Machines], object]
) -> None:
    unchanged.remember(workspace, PLAN, "run-1")
    assert unchanged.find_unchanged(workspace, PLAN) is not None
    change(workspace, machines)
    assert unchanged.find_unchanged(workspace, PLAN) is None


def test_roles_playbooks_and_locks_are_inputs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("playbooks", "roles", "plugins"):
        tmp_path.joinpath("content", name, "deep").mkdir(parents=True)
        tmp_path.joinpath("content", name, "deep", "file").write_text("1")
    for name in ("ansible.cfg", "uv.lock"):
        tmp_path.joinpath("content", name).write_text("1")
    monkeypatch.setattr(unchanged, "find_content", lambda name: tmp_path / "content" / name)
    before = unchanged.digest_inputs(workspace)
    assert before == unchanged.digest_inputs(workspace)
    seen = {before}
    for path in sorted(tmp_path.joinpath("content").rglob("*")):
        if path.is_file():
            path.write_text("2")
            seen.add(unchanged.digest_inputs(workspace))
    assert len(seen) == 6
