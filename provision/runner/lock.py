"""One run at a time per workspace. The kernel holds the lock, so a killed run never leaves a stale one."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from provision.errors import LockedError
from provision.models.base import Frozen


class LockHolder(Frozen):
    """Who holds the lock; `started` is UTC."""

    user: str
    pid: int
    command: str
    started: datetime


@contextmanager
def hold_lock(path: Path) -> Iterator[LockHolder]:
    """Hold the workspace's lock. Raises LockedError at once, naming the holder, if another run has it."""
    holder = LockHolder(
        user=getpass.getuser(),
        pid=os.getpid(),
        command=" ".join(["provision", *sys.argv[1:3]]),
        started=datetime.now(UTC).replace(microsecond=0),
    )
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _locked(path) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, holder.model_dump_json().encode())
        yield holder
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def refuse_held(path: Path) -> None:
    """Raise LockedError if another run holds the lock: an early answer, before anything slow is loaded."""
    if read_holder(path) is not None:
        raise _locked(path)


def read_holder(path: Path) -> LockHolder | None:
    """The run that holds the lock now, or None."""
    try:
        with path.open("r+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return LockHolder.model_validate(json.loads(stream.read()))
    except (OSError, ValueError):
        return None
    return None


def _locked(path: Path) -> LockedError:
    holder = read_holder(path)
    if holder is None:
        return LockedError("another run has just started", where=str(path), hint="wait for it to end, then try again")
    return LockedError(
        f"locked by {holder.user}, pid {holder.pid}, since {holder.started:%Y-%m-%d %H:%M:%S} UTC ({holder.command})",
        where=str(path),
        hint=f"wait for it to end; to stop it, press Ctrl-C where it runs, or: kill -INT {holder.pid}",
    )
