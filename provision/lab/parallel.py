"""The same work on several guests at once, given up as a whole when one part fails or the user interrupts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event


def run_on_all[Item, Result](
    work: Callable[[Item, Event], Result], items: Iterable[Item], workers: int
) -> list[Result]:
    """The results in the order of `items`. What fails first, or an interrupt, sets the event that every part gets.

    Parts that wait must look at the event; parts not yet begun are dropped.
    """
    stop = Event()
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        parts = [pool.submit(work, item, stop) for item in items]
        try:
            return [part.result() for part in parts]
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
