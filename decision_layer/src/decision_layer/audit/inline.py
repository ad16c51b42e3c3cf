"""Commits made by the event loop itself, where the disk is fast and few wait.

Handing an entry to the writer's thread and back costs two changes of thread, on the machines measured more than the
commit of 0.2 ms itself. So the loop stores what came in one of its turns, as long as commits take less than a
millisecond (Writer.is_free); on a slower disk, beside another process that writes, and where many wait anyway, the
thread does it, and no stream has to wait for the disk. One commit that hangs without a warning holds the loop once.
"""

from __future__ import annotations

import asyncio

from decision_layer.audit.waiting import Waiting
from decision_layer.audit.writer import LINGER_S, Writer

_MANY = 4  # entries of one turn: the thread's way is shared by all of them, and the loop is busy as it is


class InlineCommits:
    """For one event loop, the first that asks."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._now: list[Waiting] = []
        self._later: list[Waiting] = []
        """Outcomes, which ride along with the next decision."""
        self._timer: asyncio.TimerHandle | None = None

    def submit(self, item: Waiting) -> None:
        """Store it at the end of this turn of the loop, a patient one a little later; or leave it to the thread."""
        loop = item.future.get_loop()
        if self._loop is None:
            self._loop = loop
        if loop is not self._loop or not self._writer.is_free():
            self._writer.submit(item)
        elif item.patient:
            self._later.append(item)
            if self._timer is None:
                self._timer = loop.call_later(LINGER_S, self.pass_on)
        else:
            self._now.append(item)
            if len(self._now) == 1:
                loop.call_soon(self._store)

    def waiting(self) -> int:
        """Entries that somebody waits for."""
        return len(self._now)

    def pass_on(self) -> None:
        """All that waits here to the thread."""
        for item in self._drain():
            self._writer.submit(item)

    def _store(self) -> None:
        if len(self._now) >= _MANY:
            self.pass_on()
            return
        batch = [item for item in self._drain() if not item.given_up]
        if batch and not self._writer.store_now(batch):
            for item in batch:
                self._writer.submit(item)

    def _drain(self) -> list[Waiting]:
        batch = self._later + self._now
        self._later, self._now = [], []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return batch
