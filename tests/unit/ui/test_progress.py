"""Progress on a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from provision.models.events import Event, HostResult, Note, StageEnded, StageStarted, TaskStarted
from provision.ui.console import make_console
from provision.ui.progress import ProgressView

EVENTS: tuple[Event, ...] = (
    StageStarted(stage="run"),
    TaskStarted(host="apps", name="Install the release", role="n8n"),
    HostResult(host="apps", task="Install the release", role="n8n", status="changed", seconds=12.0),
    Note(text="halfway"),
    TaskStarted(host="apps", name="Start it", role="n8n"),
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


def plain_lines() -> list[str]:
    stream = io.StringIO()
    clock = Clock()
    with ProgressView(Console(file=stream, width=200, highlight=False, markup=False), clock=clock) as view:
        for event in EVENTS:
            clock.now += 1.5
            view.handle(event)
    return stream.getvalue().splitlines()


def test_a_log_gets_plain_lines_with_the_time() -> None:
    lines = plain_lines()
    assert lines[0] == "[    1.5 s] stage run"
    assert lines[1] == "[    4.5 s]   apps: n8n: Install the release  12 s"
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


def test_the_live_block_says_what_every_machine_does_and_since_when(console: Console) -> None:
    clock = Clock()
    view = ProgressView(console, clock=clock)
    view.handle(StageStarted(stage="run"))
    clock.now = 65.0
    view.handle(TaskStarted(host="data", name="Write the firewall", role="base"))
    view.handle(TaskStarted(host="apps", name="Release", role="n8n"))
    view.handle(HostResult(host="data", task="Write the firewall", role="base", status="changed"))
    clock.now = 72.0
    text = live_text(view)
    assert "run  1 min 12 s  1 changed" in text
    assert "apps: n8n: Release  7.0 s" in text
    assert "data" not in text


def test_the_live_block_fits_a_narrow_terminal(console: Console) -> None:
    view = ProgressView(console)
    view.handle(StageStarted(stage="run"))
    view.handle(TaskStarted(host="apps", name="A very long name of a task " * 5, role="open_webui"))
    assert max(len(line) for line in live_text(view, 50).splitlines()) <= 50


def test_on_a_terminal_only_what_matters_stays() -> None:
    console, stream = terminal()
    with ProgressView(console) as view:
        for event in EVENTS:
            view.handle(event)
    text = stream.getvalue()
    assert "✓ run  1 min 15 s  1 changed" in text
    assert "✗ apps failed" in text
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # the cursor is shown again


def test_a_question_is_not_painted_over() -> None:
    console, stream = terminal()
    with ProgressView(console) as view:
        view.handle(StageStarted(stage="plan"))
        with view.paused():
            place = stream.tell()
            view.handle(StageEnded(stage="plan", seconds=0.1))
            assert "\x1b[?25l" not in stream.getvalue()[place:]
        view.handle(StageStarted(stage="run"))
    assert "\x1b[?25h" in stream.getvalue()


def test_the_cursor_comes_back_after_an_interrupt() -> None:
    console, stream = terminal()

    def interrupted() -> None:
        with ProgressView(console) as view:
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
