"""Whatever fails after another driver came onto the node, the former one comes back, with exit 6 and a receipt."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provision.errors import ErrorGroup, ExitCode, ProvisionError, RunError, RunInterruptedError, UnreachableError
from provision.models.inventory import DriverInput, InventoryInput
from provision.pipeline import driver_change, up
from provision.pipeline.certificate import Supplied
from provision.pipeline.node_stage import ReadyNode
from provision.pipeline.planning import Planned
from provision.pipeline.stages import StageClock
from provision.runner.workspace import Workspace

OLD = cast("DriverInput", SimpleNamespace(version="570.1"))
READY = cast("ReadyNode", SimpleNamespace(plan=SimpleNamespace(), access=SimpleNamespace(node="pve"), node=None))


def broken(what: str) -> ErrorGroup:
    return ErrorGroup([RunError(what, where="engine, task 'Server'", hint="log")])


class Stages:
    """What was done, in order; `fails` are stages that raise, each once."""

    def __init__(self, **fails: ProvisionError | ErrorGroup) -> None:
        self.done: list[str] = []
        self.fails = fails

    def run(self, name: str, result: Any = None) -> Any:
        self.done.append(name)
        if name in self.fails:
            raise self.fails.pop(name)
        return result


@pytest.fixture
def bring_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def run(stages: Stages, former: str | None = "570.1") -> None:
        receipt = SimpleNamespace(verdict="pass")
        verified = SimpleNamespace(passed=True, receipt_file="receipt.json", signed=SimpleNamespace(receipt=receipt))
        machines = up._Machines(READY.plan, InventoryInput(), 1, READY, former)
        back = driver_change.PutBack(RunError("580.2 failed; 570.1 is back", where="node pve", hint="pin it"), OLD)
        monkeypatch.setattr(up, "_ready_machines", lambda *_: machines)
        monkeypatch.setattr(up, "prepare_inventory", lambda *_: stages.run("inventory", {}))
        monkeypatch.setattr(up, "write_credentials", lambda *_: None)
        monkeypatch.setattr(up, "find_unchanged", lambda *_: None)
        monkeypatch.setattr(up, "_run_if_needed", lambda *_: stages.run("run", 1))
        monkeypatch.setattr(up, "converge", lambda *_: stages.run("run with the old one"))
        monkeypatch.setattr(up, "verify_stack", lambda *_: stages.run("verify", verified))
        monkeypatch.setattr(up, "put_back", lambda *_, why: stages.run(f"put back: {why}", back))
        clock = StageClock(lambda _: None)
        planned = cast("Planned", None)
        workspace, options = Workspace(tmp_path, "live"), up.NodeOptions()
        up._bring_up(workspace, planned, Supplied(), clock, full=False, allowed=options)

    return run


def test_run_that_fails_with_another_driver_gets_the_former_one_and_a_receipt(bring_up: Any) -> None:
    stages = Stages(run=broken("llama-cpp failed"))
    with pytest.raises(ErrorGroup) as told:
        bring_up(stages)
    order = ["inventory", "run", "put back: llama-cpp failed", "inventory", "run with the old one", "verify"]
    assert stages.done == order
    assert told.value.exit_code == ExitCode.RUN_FAILED
    assert [error.what for error in told.value.errors] == [
        "580.2 failed; 570.1 is back", "llama-cpp failed", "with driver 570.1 the receipt's verdict is: pass",
    ]  # fmt: skip
    assert told.value.errors[-1].where == "receipt.json"


def test_run_that_fails_with_the_old_driver_too_is_measured_all_the_same(bring_up: Any) -> None:
    stages = Stages(run=broken("first"), **{"run with the old one": broken("again")})
    with pytest.raises(ErrorGroup) as told:
        bring_up(stages)
    assert [error.what for error in told.value.errors][1] == "again"
    assert stages.done[-1] == "verify"


def test_run_that_fails_without_a_change_of_driver_puts_nothing_back(bring_up: Any) -> None:
    stages = Stages(run=broken("first"))
    with pytest.raises(ErrorGroup):
        bring_up(stages, former=None)
    assert stages.done == ["inventory", "run"]


@pytest.mark.parametrize(
    ("former", "error", "back"),
    [
        ("570.1", UnreachableError("the API is gone", where="node pve", hint="look"), True),
        ("570.1", RunInterruptedError("Ctrl-C", where="here", hint="again"), False),
        (None, UnreachableError("the API is gone", where="node pve", hint="look"), False),
    ],
)
def test_guests_that_do_not_come_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, former: str | None, error: ProvisionError, back: bool
) -> None:
    stages = Stages(guests=error)
    told = driver_change.PutBack(RunError("570.1 is back", where="node pve", hint="pin it"), OLD)
    monkeypatch.setattr(up, "ensure_guests", lambda *_, **__: stages.run("guests"))
    monkeypatch.setattr(up, "put_back", lambda *_, why: stages.run(f"put back: {why}", told))
    clock = StageClock(lambda _: None)
    with pytest.raises(ProvisionError) as caught:
        up._ensure_guests(Workspace(tmp_path, "live"), READY, former, clock, up.NodeOptions())
    assert stages.done == (["guests", "put back: the API is gone"] if back else ["guests"])
    assert caught.value.exit_code == (ExitCode.RUN_FAILED if back else error.exit_code)


def test_put_back_tells_that_the_guests_do_not_follow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stages = Stages(guests=UnreachableError("the API is gone", where="node pve", hint="look"))
    monkeypatch.setattr(driver_change, "_recorded", lambda _: OLD)
    monkeypatch.setattr(driver_change, "find_driver", lambda *_, **__: SimpleNamespace(version="580.2"))
    monkeypatch.setattr(driver_change, "_stop_card_guests", lambda *_: stages.run("stop"))
    monkeypatch.setattr(driver_change, "converge_node", lambda *_: stages.run("node"))
    monkeypatch.setattr(driver_change, "rebind_node", lambda ready: ready)
    monkeypatch.setattr(driver_change, "ensure_guests", lambda *_: stages.run("guests"))
    back = driver_change.put_back(
        Workspace(tmp_path, "live"), READY, "570.1", StageClock(lambda _: None), why="it broke"
    )
    assert stages.done == ["stop", "node", "guests"]
    assert back.error.what.endswith("570.1 is back and the guests do not run (the API is gone)")
