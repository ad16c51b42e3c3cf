"""Code that does not come back is broken off, and a process whose loop stands still ends."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
import uvloop

from decision_layer.gateway.alarm import Alarm, TookTooLong

EXPONENTIAL = re.compile(r"(a+)+b")


def search() -> None:
    EXPONENTIAL.search("a" * 60)


def count() -> None:
    while True:
        pass


def swallow() -> None:
    while True:
        with suppress(Exception):
            time.sleep(60)


@pytest.mark.parametrize("hang", [search, count, swallow])
def test_whatever_hangs_in_the_loops_thread_is_broken_off(hang: Callable[[], None]) -> None:
    async def run() -> float:
        begin = time.monotonic()
        with pytest.raises(TookTooLong), Alarm().after(0.05):
            hang()
        return time.monotonic() - begin

    assert uvloop.run(run()) < 10


def test_what_comes_back_in_time_is_left_alone() -> None:
    alarm = Alarm()
    for _ in range(100):
        with alarm.after(0.02):
            pass
    time.sleep(0.03)


def test_in_another_thread_it_bounds_nothing_and_breaks_nothing() -> None:
    done: list[bool] = []

    def run() -> None:
        with Alarm().after(0.01):
            time.sleep(0.03)
        done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done


def test_a_process_whose_loop_stands_still_ends_even_if_a_thread_keeps_the_interpreter() -> None:
    code = (
        "import asyncio, re, threading\n"
        "from decision_layer.gateway.alarm import beat\n"
        "async def run():\n"
        "    beat(0.5)\n"
        "    await asyncio.to_thread(re.search, '(a+)+b', 'a' * 60)\n"
        "asyncio.run(run())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Timeout" in done.stderr
