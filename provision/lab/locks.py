"""One process at a time per lab, per cache entry and for the machine's network.

Locks are `flock`s, so a killed holder frees them. Bridges and firewall tables are named machine-wide, so the
lock files are machine-wide too, whatever `PROVISION_HOME` says.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RUN_HOME = Path("/run/provision-lab")


@contextmanager
def held(path: Path, *, forget: bool = False) -> Iterator[None]:
    """Hold the lock file `path`, waiting for whoever holds it; with `forget` the file goes when the lock is freed."""
    handle = _locked_handle(path)
    try:
        yield
    finally:
        if forget:
            path.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def lab_lock(lab: str, *, forget: bool = False) -> Iterator[None]:
    with held(RUN_HOME / f"{lab}.lock", forget=forget):
        yield


@contextmanager
def network_lock(*, forget: bool = False) -> Iterator[None]:
    with held(RUN_HOME / "network.lock", forget=forget):
        yield


def forget_run_home() -> None:
    """Remove the folder of the lock files when nobody has one; whoever comes next makes it again."""
    with suppress(OSError):
        RUN_HOME.rmdir()


def _locked_handle(path: Path) -> int:
    """An open, locked handle on the file that is at `path` now: a waiter may have woken on one just unlinked."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # the folder was just forgotten
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
