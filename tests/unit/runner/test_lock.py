"""Two runs at once: the loser is told at once who holds the lock; a killed holder leaves no stale lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provision.errors import LockedError
from provision.runner.lock import hold_lock, read_holder

HOLD = """
import sys, time
from pathlib import Path
from provision.runner.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def start_holder(path: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "held"
    return holder


def test_the_loser_names_the_holder_and_exits_8_at_once(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = start_holder(lock)
    try:
        started = time.monotonic()
        with pytest.raises(LockedError) as caught, hold_lock(lock):
            pass
        assert time.monotonic() - started < 2
        assert f"pid {holder.pid}" in caught.value.what
        assert "since 20" in caught.value.what
        assert int(caught.value.exit_code) == 8
    finally:
        holder.kill()
        holder.wait()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = start_holder(lock)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert read_holder(lock) is None
    with hold_lock(lock) as mine:
        assert mine.pid == os.getpid()


def test_the_holder_can_be_read_while_it_holds(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert read_holder(lock) is None
    with hold_lock(lock):
        seen = read_holder(lock)
        assert seen is not None
        assert seen.pid == os.getpid()
    assert read_holder(lock) is None
