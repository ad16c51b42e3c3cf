"""A plan at 80 columns: complete, never wider, marked where simulated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provision.models.plan import Finding, Plan, PlanChange
from provision.ui.plan_diff import render_plan_diff
from provision.ui.plan_table import render_finding, render_plan

Show = Callable[..., str]
SNAPSHOTS = Path(__file__).resolve().parent / "snapshots"


@pytest.mark.parametrize("name", ["plan-lab", "plan-live"])
def test_a_plan_looks_as_it_did(name: str, plan: Plan, live_plan: Plan, show: Show) -> None:
    """The page was read by a person; after a wanted change, write it anew and read it again."""
    text = show(render_plan(plan if name == "plan-lab" else live_plan))
    assert text + "\n" == (SNAPSHOTS / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int, live_plan: Plan, show: Show) -> None:
    assert max(map(len, show(render_plan(live_plan), width).splitlines())) <= width


def test_simulated_stands_on_every_line_concerned(plan: Plan, live_plan: Plan, show: Show) -> None:
    text = show(render_plan(plan), 140)
    for line in text.splitlines():
        if line.startswith(("Card ", "engine")) and ("RTX" in line or "lxc" in line):
            assert "simulated" in line
    assert "simulated" not in show(render_plan(live_plan))


def test_more_than_the_card_holds_shows_a_negative_rest(live_plan: Plan, show: Show) -> None:
    engine = live_plan.engines[0]
    big = engine.cards[0].model_copy(update={"weights_mib": 60000, "total_mib": 62000})
    engines = (engine.model_copy(update={"cards": (big,)}),)
    text = show(render_plan(live_plan.model_copy(update={"engines": engines})))
    assert "free -38503 MiB" in text


def test_hostile_text_cannot_steer_the_terminal(show: Show) -> None:
    finding = Finding(severity="warning", what="\x1b[2J[red]boo[/red]\x07", where="\u202egnp.exe", hint="a\rb\nc\td")
    text = show(render_finding(finding))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[red]boo[/red]" in text


def test_changes() -> None:
    changes = [
        PlanChange(path="machines.engine.memory_mib", before="65536", after="32768"),
        PlanChange(path="services.n8n", before=None, after="apps"),
        PlanChange(path="services.old", before="apps", after=None),
    ]
    assert render_plan_diff(changes).plain.splitlines() == [
        "Changes against the last plan",
        "  ~ machines.engine.memory_mib: 65536 → 32768",
        "  + services.n8n: apps",
        "  - services.old: apps",
        "1 new, 1 changed, 1 removed",
    ]
    assert render_plan_diff([]).plain == "No change against the last plan."


def test_a_member_that_comes_or_goes_is_told_in_words() -> None:
    flow = '{"address":null,"port":3010,"purpose":"site traces","source":"gateway","target":"trace"}'
    machine = '{"cards":[],"cores":4,"kind":"vm","name":"trace"}'
    changes = [
        PlanChange(path="flows.gateway trace tcp 3010", before=None, after=flow),
        PlanChange(path="machines.trace", before=machine, after=None),
    ]
    assert render_plan_diff(changes).plain.splitlines()[1:3] == [
        "  + flows.gateway trace tcp 3010: site traces",
        "  - machines.trace: cores 4, kind vm",
    ]
