"""Bounds on code that does not come back.

What runs in a main thread, the gateway's or that of the process that reads (scanner.py), is broken off by SIGALRM:
Python's regular expressions look for signals while they search, so that even an exponential one ends. Compiled code
(pyproject.toml) does not, but no loop in it turns longer than its text is. The process that reads is ended where no
alarm helps; the gateway ends when its loop has not turned for STUCK_S, as other threads that keep the interpreter could
make it, and systemd starts it anew. Either way nothing has been sent, because nothing is before the detectors are
through.
"""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STUCK_S = 30.0
_BEATS = 6
"""In STUCK_S. Each ends a thread of faulthandler's and waits for it, interpreter in hand: milliseconds on a busy
machine."""


class TookTooLong(BaseException):
    """Raised out of whatever runs when the alarm rings."""


class Alarm:
    """One for the process, since a process has one timer; outside the main thread it bounds nothing."""

    def __init__(self) -> None:
        self._armed = False
        self._set_up = False

    @contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        """Raises TookTooLong in the block once it has run so long."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        if not self._set_up:
            signal.signal(signal.SIGALRM, self._ring)
            self._set_up = True
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._armed:  # not where the block has just ended
            self._armed = False
            raise TookTooLong


ALARM = Alarm()


def beat(stuck_s: float = STUCK_S) -> None:
    """From now on the process ends, and says where every thread stood, so long after this loop's last beat."""
    loop = asyncio.get_running_loop()

    def again() -> None:
        faulthandler.dump_traceback_later(stuck_s, exit=True)
        loop.call_later(stuck_s / _BEATS, again)

    again()
