"""Time each stage and tell that it began and ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provision.models.events import Event, Note, StageEnded, StageStarted
from provision.models.report import StageTime


class StageClock:
    """Reports stages to the caller and keeps how long each took, in seconds."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self.report = report
        self.times: list[StageTime] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.report(StageStarted(stage=name))
        started = time.monotonic()
        yield
        # A stage that failed has not ended: the error says so instead.
        seconds = round(time.monotonic() - started, 1)
        self.times.append(StageTime(stage=name, seconds=seconds))
        self.report(StageEnded(stage=name, seconds=seconds))

    def note(self, text: str) -> None:
        self.report(Note(text=text))
