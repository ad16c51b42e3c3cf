"""Fetch a pinned file to this machine: resumed where it broke off, in place only when its checksum is right."""

from __future__ import annotations

import errno
import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from provision.errors import SetupError, UnreachableError
from provision.models.artifact import Checksum

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds without a byte, not for the whole file."""
FLOOR_BYTES_S = 4096
"""Slower than this for a whole window is as good as down; the same on machines (module_utils/provision_fetch)."""
WINDOW_S = 60.0
ATTEMPTS = 4
PAUSE_S = 1.0
"""Before the second attempt; doubled before each later one."""
TELL_EVERY_S = 10.0
_AGAIN = "run the same command again: it goes on where it stopped"


class _TooSlowError(httpx.TransportError):
    """The server sends, but less than the floor."""


def fetch_file(url: str, checksum: Checksum, target: Path, note: Callable[[str], None]) -> None:
    """Put the file at `target`; what an interrupted fetch left in `<target>.part` is gone on with.

    Tries up to 4 times with growing pauses. Raises UnreachableError where the server cannot be had, SetupError where it
    serves another file, which is removed, or where this machine's disk is full.
    """
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists()
    _append_patiently(url, part, note)
    if resumed and hash_file(part, checksum.algorithm) != checksum.hex:
        part.unlink()
        _append_patiently(url, part, note)
    if hash_file(part, checksum.algorithm) != checksum.hex:
        part.unlink()
        raise SetupError(
            f"{target.name}: the file that was served is not the one that is pinned; it was removed",
            where=url,
            hint="try again later or over another network; provision lock --update compares with what upstream says",
        )
    part.rename(target)


def hash_file(path: Path, algorithm: str) -> str:
    """The file's digest in hex."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, algorithm).hexdigest()


def _append_patiently(url: str, part: Path, note: Callable[[str], None]) -> None:
    """Go on after what may pass: a connection that breaks, a server with a fault of its own."""
    for attempt in range(ATTEMPTS):
        try:
            return _append(url, part, note)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            if status < httpx.codes.INTERNAL_SERVER_ERROR or attempt == ATTEMPTS - 1:
                raise UnreachableError(f"the server answers {status}", where=url, hint=_AGAIN) from error
        except httpx.HTTPError as error:
            if attempt == ATTEMPTS - 1:
                raise UnreachableError(f"it cannot be fetched: {error}", where=url, hint=_AGAIN) from error
            note(f"{part.stem}: {error}; trying again")
        time.sleep(PAUSE_S * 2**attempt)
    return None


def _append(url: str, part: Path, note: Callable[[str], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # All of it is here already, or it is another file: the checksum tells.
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        _require_room(part, int(response.headers.get("Content-Length", 0)), 0 if resumed else have)
        try:
            _receive(response, part, "ab" if resumed else "wb", note)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                part.unlink()  # What else uses this disk needs the room more than the next run needs the part.
            raise SetupError(
                f"{part.stem} cannot be written: {error.strerror}",
                where=str(part.parent),
                hint="free some space there, or set PROVISION_CACHE to another disk, and run again",
            ) from error


def _require_room(part: Path, coming: int, given_back: int) -> None:
    """Raises SetupError where the rest of the file would fill the disk, before a byte of it is written."""
    free = shutil.disk_usage(part.parent).free + given_back
    if coming > free:
        raise SetupError(
            f"{part.stem} needs {coming / 2**20:.0f} MiB more, and there are {free / 2**20:.0f} MiB free",
            where=str(part.parent),
            hint="free some space there, or set PROVISION_CACHE to another disk, and run again",
        )


def _receive(response: httpx.Response, part: Path, mode: str, note: Callable[[str], None]) -> None:
    told = since = time.monotonic()
    got = 0
    with part.open(mode) as out:
        for block in response.iter_raw():
            out.write(block)
            got += len(block)
            now = time.monotonic()
            if now - since >= WINDOW_S:
                if got < (now - since) * FLOOR_BYTES_S:
                    raise _TooSlowError(f"{got / (now - since):.0f} bytes per second, less than {FLOOR_BYTES_S}")
                since, got = now, 0
            if now - told > TELL_EVERY_S:
                told = now
                note(f"{part.stem}: {out.tell() / 2**20:.0f} MiB so far")
