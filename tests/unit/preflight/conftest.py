"""The written nodes as the script sees them, and a way to break one value."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provision.models.node import NodeFinding, NodeObservation, parse_node
from provision.models.plan import Plan
from provision.preflight.judge import judge
from provision.preflight.script import main, reading
from tests.unit.preflight.written_nodes import PVE_8, PVE_9, Release, WrittenNode, write_node

PLAN = Path(__file__).resolve().parents[2] / "fixtures" / "sme-2x4090-live" / "plan.json"
Observe = Callable[[WrittenNode], NodeObservation]
Findings = Callable[..., tuple[NodeFinding, ...]]


@pytest.fixture(scope="session")
def plan() -> Plan:
    return Plan.model_validate_json(PLAN.read_text())


@pytest.fixture
def pve9(tmp_path: Path) -> WrittenNode:
    return write_node(tmp_path / "pve9", PVE_9)


@pytest.fixture
def pve8(tmp_path: Path) -> WrittenNode:
    return write_node(tmp_path / "pve8", PVE_8)


@pytest.fixture
def observe(monkeypatch: pytest.MonkeyPatch) -> Observe:
    """Run the script in this process on a written node; the answer has passed the contract."""

    def on(node: WrittenNode) -> NodeObservation:
        return parse_node(document(node, monkeypatch))

    return on


def document(node: WrittenNode, monkeypatch: pytest.MonkeyPatch) -> str:
    release: Release = node.release
    monkeypatch.setattr(reading, "ROOT", node.root)
    monkeypatch.setitem(reading.ENVIRONMENT, "PATH", f"{node.programs}:/usr/bin:/bin")
    # The program itself is looked up in this process's PATH.
    monkeypatch.setenv("PATH", f"{node.programs}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(nodename="pve1.example.org", release=release.kernel))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return json.dumps(main.observe())


@pytest.fixture
def healthy(pve9: WrittenNode, observe: Observe) -> NodeObservation:
    return observe(pve9)


@pytest.fixture
def findings(plan: Plan, healthy: NodeObservation) -> Findings:
    """The findings of the healthy node with the named facts replaced, or made unreadable (`unread`)."""

    def found(*, using: Plan = plan, unread: str | None = None, **facts: Any) -> tuple[NodeFinding, ...]:
        changed = {**facts, **({unread: None, "unread": {unread: "the command is missing"}} if unread else {})}
        return judge(using, healthy.model_copy(update=changed))

    return found
