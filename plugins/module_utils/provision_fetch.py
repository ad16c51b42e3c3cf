"""Download one file known by its sha256: resumed where it broke off, and in place only when it is whole.

Runs on the target's own Python (3.11 on Debian 12): standard library and ansible.module_utils only.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import open_url

BLOCK = 1 << 20
LOCK_WAIT_S = 1800.0
ATTEMPTS = 4
PAUSE_S = 1.0


class FetchError(Exception):
    """The file could not be had; the message names the address and the reason."""


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


def fetch(url: str, sha256: str, target: Path) -> None:
    """Put the file with this sha256 at `target`, by one rename of a finished `<target>.part`.

    Tries up to 4 times with growing pauses. Raises FetchError when it cannot be had, or is another file.
    """
    part = target.with_name(f"{target.name}.part")
    reason = ""
    for attempt in range(ATTEMPTS):
        resumed = part.exists()
        try:
            append(url, part)
        except BrokenOffError as error:
            reason = str(error)
            time.sleep(PAUSE_S * 2**attempt)
            continue
        found = hash_file(part)
        if found == sha256:
            part.replace(target)
            return
        part.unlink()
        if not resumed:
            raise FetchError(f"{url}: the file has sha256 {found}, and {sha256} is pinned; it was thrown away")
        reason = "what an earlier run had left did not fit"
    raise FetchError(f"{url}: {reason} (tried {ATTEMPTS} times; the next run goes on from there)")


def append(url: str, part: Path) -> None:
    """Continue the part file to the end of the document. Raises BrokenOffError or FetchError."""
    have = part.stat().st_size if part.exists() else 0
    try:
        answer = open_url(url, timeout=60, headers={"Range": f"bytes={have}-"} if have else None)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # The whole file, or another one, is already there: its hash will tell.
        if error.code < http.client.INTERNAL_SERVER_ERROR:
            raise FetchError(f"{url}: the server answers {error.code} {error.reason}") from None
        raise BrokenOffError(f"the server answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, UrlConnectionError, OSError) as error:
        raise BrokenOffError(f"no connection: {getattr(error, 'reason', error)}") from None
    with answer:
        resumed = getattr(answer, "status", None) == http.client.PARTIAL_CONTENT
        receive(answer, part, "ab" if resumed else "wb")


def receive(answer: Any, part: Path, mode: str) -> None:
    """Write the answer's body to the part file and sync it. Raises BrokenOffError where bytes are missing."""
    announced = answer.headers.get("Content-Length")
    got = 0
    with part.open(mode) as stream:
        try:
            while block := answer.read(BLOCK):
                stream.write(block)
                got += len(block)
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            raise BrokenOffError(f"the connection broke: {error}") from None
        stream.flush()
        os.fsync(stream.fileno())
    if announced is not None and got < int(announced):
        raise BrokenOffError(f"the connection ended {int(announced) - got} bytes early")
