"""Download one file known by its sha256: resumed where it broke off, in place only when it is whole, hashed once.

Runs on the target's own Python (3.11 on Debian 12): standard library and ansible.module_utils only, and at boot, where
roles/scratch puts a copy of it, without the latter.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    from ansible.module_utils.urls import ConnectionError as UrlConnectionError
    from ansible.module_utils.urls import open_url
except ImportError:
    UrlConnectionError = OSError

    def open_url(url: str, timeout: float, headers: dict[str, str] | None = None) -> Any:
        """As Ansible's, as far as it is used here. Raises URLError."""
        request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 - it comes from the lock
        return urllib.request.urlopen(request, timeout=timeout)  # noqa: S310


MIB = 2**20
BLOCK = 1 << 20
LOCK_WAIT_S = 1800.0
ATTEMPTS = 4
PAUSE_S = 1.0
SILENCE_S = 60
FLOOR_BYTES_S = 4096
"""Slower than this for a whole window is a server that is as good as down."""
WINDOW_S = 60.0
MIB = 1 << 20


class FetchError(Exception):
    """The file could not be had; the message names the address and the reason, `hint` what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


class LockedError(Exception):
    """Another process kept the lock for too long; the message names the lock's file."""


class BrokenOffError(Exception):
    """The transfer ended early; what came is kept and the next attempt goes on from there."""


@contextmanager
def hold_lock(folder: Path) -> Iterator[int]:
    """Wait for the folder's lock, at most 1800 s, and yield its descriptor. Raises LockedError.

    It outlives a killed Ansible: whoever of its processes still works on the folder holds it.
    """
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_WAIT_S
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LockedError(f"another run holds {folder}/.lock: end it and run again") from None
                time.sleep(0.5)
        yield descriptor
    finally:
        os.close(descriptor)


def hash_file(path: Path) -> str:
    """sha256 of a file in hex, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


class Pace:
    """Bytes as they come, held against the floor."""

    def __init__(self) -> None:
        self.since, self.got = time.monotonic(), 0

    def add(self, count: int) -> None:
        """Raises BrokenOffError after a window that brought too little."""
        self.got += count
        passed = time.monotonic() - self.since
        if passed < WINDOW_S:
            return
        if self.got < passed * FLOOR_BYTES_S:
            raise BrokenOffError(f"it came with {self.got / passed:.0f} bytes per second, less than {FLOOR_BYTES_S}")
        self.since, self.got = time.monotonic(), 0


def fetch(url: str, sha256: str, target: Path) -> None:
    """Put the file with this sha256 at `target`, by one rename of a finished `<target>.part`.

    Tries up to 4 times with growing pauses. Raises FetchError when it cannot be had, or is another file.
    """
    part = target.with_name(f"{target.name}.part")
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        resumed = part.exists()
        try:
            append(url, part)
        except BrokenOffError as error:
            reason = str(error)
            continue
        found = hash_file(part)
        if found == sha256:
            part.replace(target)
            return
        part.unlink()
        if not resumed:
            raise FetchError(
                f"{url}: the file has sha256 {found}, and {sha256} is pinned; it was thrown away",
                "run again; if it stays so, provision lock --update compares the pin with upstream, and"
                " provision mirror sync mends a mirror",
            )
        reason = "what an earlier run had left did not fit"
    raise FetchError(
        f"{url}: {reason} (tried {ATTEMPTS} times)",
        "see from this machine whether the server is up; the next run goes on where this one stopped",
    )


def record_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.hashed")


def describe(path: Path, sha256: str) -> str:
    """The record's text: what was hashed, and by what a later change shows."""
    found = path.stat()
    return f"{sha256} {found.st_size} {found.st_mtime_ns}\n"


def is_recorded(path: Path, sha256: str) -> bool:
    """Whether the file is there and unchanged since it was seen to have this sha256."""
    record = record_of(path)
    return path.is_file() and record.is_file() and record.read_text() == describe(path, sha256)


def obtain(entry: dict[str, Any], path: Path) -> None:
    """Have the file, from an equal one that is already there or by download. Raises FetchError."""
    if not (path.is_file() and hash_file(path) == entry["sha256"]):
        if not entry["url"]:
            raise FetchError(f"{path} is not there with sha256 {entry['sha256']}, and no url is given for it")
        part = path.with_name(f"{path.name}.part")
        missing = entry["size_mib"] * MIB - (part.stat().st_size if part.exists() else 0)
        free = shutil.disk_usage(path.parent).free
        if missing > free:
            what = f"{path} needs {missing // MIB} MiB more, and {path.parent} has {free // MIB} MiB free"
            raise FetchError(what, f"free at least {(missing - free) // MIB + 1} MiB below {path.parent}")
        fetch(entry["url"], entry["sha256"], path)
    record_of(path).write_text(describe(path, entry["sha256"]))


def append(url: str, part: Path) -> None:
    """Continue the part file to the end of the document. Raises BrokenOffError or FetchError."""
    have = part.stat().st_size if part.exists() else 0
    try:
        answer = open_url(url, timeout=SILENCE_S, headers={"Range": f"bytes={have}-"} if have else None)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # The whole file, or another one, is already there: its hash will tell.
        if error.code < http.client.INTERNAL_SERVER_ERROR:
            hint = "is it still there? a mirror is filled with provision mirror sync"
            raise FetchError(f"{url}: the server answers {error.code} {error.reason}", hint) from None
        raise BrokenOffError(f"the server answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, UrlConnectionError, http.client.HTTPException, OSError) as error:
        raise BrokenOffError(f"no connection: {getattr(error, 'reason', error)}") from None
    with answer:
        resumed = getattr(answer, "status", None) == http.client.PARTIAL_CONTENT
        announced = answer.headers.get("Content-Length")
        require_room(part, int(announced) if announced else 0, resumed)
        try:
            receive(answer, part, "ab" if resumed else "wb", int(announced) if announced else None)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            part.unlink()  # What runs on this disk needs the room more than the next run needs the part.
            raise FetchError(f"{url}: {part.parent} is full", f"free some space below {part.parent}") from None


def require_room(part: Path, coming: int, resumed: bool) -> None:
    """Raises FetchError where the rest of the file would fill the disk, before a byte of it is written."""
    given_back = part.stat().st_size if part.exists() and not resumed else 0
    free = shutil.disk_usage(part.parent).free + given_back
    if coming > free:
        what = f"{part.name} needs {coming / MIB:.0f} MiB more, and {part.parent} has {free / MIB:.0f} MiB free"
        raise FetchError(what, f"free at least {(coming - free) // MIB + 1} MiB below {part.parent}")


def receive(answer: Any, part: Path, mode: str, announced: int | None) -> None:
    """Write the answer's body to the part file and sync it. Raises BrokenOffError where bytes are missing or slow."""
    got, pace = 0, Pace()
    with part.open(mode) as stream:
        try:
            # read1 gives what is there: read would wait for a whole block, and a slow server would never be noticed.
            while (announced is None or got < announced) and (block := answer.read1(BLOCK)):
                stream.write(block)
                got += len(block)
                pace.add(len(block))
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            raise BrokenOffError(f"the connection broke: {error}") from None
        stream.flush()
        os.fsync(stream.fileno())
    if announced is not None and got < announced:
        raise BrokenOffError(f"the connection ended {announced - got} bytes early")
