"""A run as it goes on: a live line block on a terminal, plain lines with the elapsed time elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from provision.models.events import Event, HostResult, Note, StageEnded, StageStarted, TaskStarted
from provision.ui.printable import in_seconds, printable, safe, shorten

REFRESH_PER_S = 4
"""Four frames a second: the clock moves, a terminal over ssh does not flicker."""


class ProgressView:
    """Use as a context manager; feed every event to `handle`, from any thread.

    Machines go through their roles side by side, so the live block has a line for each: what it does, since when.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic):
        self._console = console
        self._clock = clock
        self._started = clock()
        self._stage = ""
        self._stage_started = self._started
        self._busy: dict[str, tuple[str, float]] = {}
        self._changed = 0
        self._live: Live | None = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the terminal alone while a person is asked something."""
        running = self._live is not None
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            if running:
                self.__enter__()

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(self, console=self._console, refresh_per_second=REFRESH_PER_S, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def handle(self, event: Event) -> None:
        """Takes one event; prints what stays, updates what is live."""
        match event:
            case StageStarted(stage=stage):
                self._start_stage(stage)
            case StageEnded(stage=stage, seconds=seconds):
                self._end_stage(stage, seconds)
            case Note(text=text):
                self._print(Text("  · ", style="cyan").append(printable(text), style="default"))
            case TaskStarted():
                self._busy[event.host] = (_name(event.role, event.name), self._clock())
            case HostResult():
                self._end_on_host(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The live block: drawn again by rich on each refresh."""
        if not self._stage:
            return
        now = self._clock()
        head = f"{self._stage}  {in_seconds(now - self._stage_started)}"
        if self._changed:
            head += f"  {self._changed} changed"
        lines: list[Text | Spinner] = [Spinner("line", text=Text(head, style="bold"))]
        for host, (task, since) in sorted(self._busy.items()):
            line = shorten(f"{host}: {task}", options.max_width - 14)
            lines.append(safe(f"  {line}  {in_seconds(now - since)}"))
        yield Group(*lines)

    def _start_stage(self, stage: str) -> None:
        self._stage, self._stage_started = stage, self._clock()
        self._busy, self._changed = {}, 0
        if self._live is None:
            self._print(Text(f"stage {printable(stage)}", style="bold"))

    def _end_stage(self, stage: str, seconds: float) -> None:
        text = Text("✓ ", style="green").append(f"{printable(stage)}  {in_seconds(seconds)}", style="default")
        if self._changed:
            text.append(f"  {self._changed} changed", style="yellow")
        self._stage, self._busy = "", {}
        self._print(text)

    def _end_on_host(self, result: HostResult) -> None:
        self._busy.pop(result.host, None)
        task = _name(result.role, result.task)
        if result.status == "changed":
            self._changed += 1
            if self._live is None:
                self._print(safe(f"  {result.host}: {task}  {in_seconds(result.seconds)}"))
        if result.status in {"failed", "unreachable"}:
            text = Text(f"  ✗ {printable(result.host)} {result.status}: {printable(task)}", style="red")
            self._print(text.append(f"\n    {printable(result.message)}" if result.message else "", style="default"))

    def _print(self, line: Text) -> None:
        if self._live is None:
            stamp = f"[{self._clock() - self._started:7.1f} s] "
            line = Text(stamp, style="dim").append_text(line)
        self._console.print(line, soft_wrap=self._live is None)


def _name(role: str, task: str) -> str:
    return f"{role}: {task}" if role else task
