"""Progress on a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from provision.models.events import Event, HostResult, Note, StageEnded, StageStarted, TaskStarted
from provision.models.plan import Plan
from provision.ui.console import make_console
from provision.ui.progress import ProgressView

EVENTS: tuple[Event, ...] = (
    StageStarted(stage="run"),
    TaskStarted(name="Install the release", role="n8n"),
    HostResult(host="apps", task="Install the release", role="n8n", status="changed"),
    Note(text="halfway"),
    TaskStarted(name="Start it", role="n8n"),
    HostResult(host="apps", task="Start it", role="n8n", status="failed", message="port 5678 is \x1b[31mtaken"),
    StageEnded(stage="run", seconds=75.0),
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def terminal(width: int = 80) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None, highlight=False, markup=False)
    return console, stream


def plain_lines(plan: Plan | None) -> list[str]:
    stream = io.StringIO()
    clock = Clock()
    with ProgressView(Console(file=stream, width=200, highlight=False, markup=False), plan, clock=clock) as view:
        for event in EVENTS:
            clock.now += 1.5
            view.handle(event)
    return stream.getvalue().splitlines()


def test_a_log_gets_plain_lines_with_the_time(plan: Plan) -> None:
    lines = plain_lines(plan)
    assert lines[0] == "[    1.5 s] stage run"
    assert lines[1] == "[    3.0 s]   n8n: Install the release"
    assert any("✗ apps failed: n8n: Start it" in line for line in lines)
    assert lines[-1].endswith("✓ run  1 min 15 s  1 changed")
    assert not any("\x1b" in line or "\r" in line for line in lines)
    assert any("port 5678 is \\x1b[31mtaken" in line for line in lines)


def live_text(view: ProgressView, width: int = 80) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, markup=False).print(view)
    return stream.getvalue()


@pytest.fixture
def console() -> Console:
    return terminal()[0]


def test_the_live_block_names_stage_task_time_and_who_is_waited_for(plan: Plan, console: Console) -> None:
    clock = Clock()
    view = ProgressView(console, plan, clock=clock)
    view.handle(StageStarted(stage="run"))
    clock.now = 65.0
    view.handle(TaskStarted(name="Write the firewall", role="base"))
    view.handle(HostResult(host="data", task="Write the firewall", role="base", status="changed"))
    clock.now = 72.0
    text = live_text(view)
    assert "run  1 min 12 s  1 changed" in text
    assert "base: Write the firewall  7.0 s" in text
    assert "waiting for engine, apps, gateway" in text
    assert "data" not in text.split("waiting for")[1]


def test_only_the_machines_of_a_role_are_waited_for(plan: Plan, console: Console) -> None:
    view = ProgressView(console)
    view.expect(plan)
    view.handle(StageStarted(stage="run"))
    view.handle(TaskStarted(name="Write the Caddyfile", role="caddy"))
    assert "waiting for gateway" in live_text(view)


def test_the_live_block_fits_a_narrow_terminal(plan: Plan, console: Console) -> None:
    view = ProgressView(console, plan)
    view.handle(StageStarted(stage="run"))
    view.handle(TaskStarted(name="A very long name of a task " * 5, role="open_webui"))
    assert max(len(line) for line in live_text(view, 50).splitlines()) <= 50


def test_on_a_terminal_only_what_matters_stays(plan: Plan) -> None:
    console, stream = terminal()
    with ProgressView(console, plan) as view:
        for event in EVENTS:
            view.handle(event)
    text = stream.getvalue()
    assert "✓ run  1 min 15 s  1 changed" in text
    assert "✗ apps failed" in text
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # the cursor is shown again


def test_a_question_is_not_painted_over(plan: Plan) -> None:
    console, stream = terminal()
    with ProgressView(console, plan) as view:
        view.handle(StageStarted(stage="plan"))
        with view.paused():
            place = stream.tell()
            view.handle(StageEnded(stage="plan", seconds=0.1))
            assert "\x1b[?25l" not in stream.getvalue()[place:]
        view.handle(StageStarted(stage="run"))
    assert "\x1b[?25h" in stream.getvalue()


def test_the_cursor_comes_back_after_an_interrupt(plan: Plan) -> None:
    console, stream = terminal()

    def interrupted() -> None:
        with ProgressView(console, plan) as view:
            view.handle(StageStarted(stage="run"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stream.getvalue().rfind("\x1b[?25h") > stream.getvalue().rfind("\x1b[?25l")


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    console = make_console(width=80)
    console.file = stream = io.StringIO()
    console.print("red", style="red")
    assert "31m" not in stream.getvalue()
