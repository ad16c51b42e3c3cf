"""A model's file read from front to back, never further than its header may reach."""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

from provision.errors import UsageError

HEADER_LIMIT = 64 * 1024 * 1024
"""Bytes of metadata that are read at most. Gemma 4's vocabulary of 262k tokens takes 16 MB."""
CHUNK = 256 * 1024
_U64 = struct.Struct("<Q")
_DAMAGED = "fetch the file again and compare its checksum with the publisher's"


def shown(text: str, most: int = 80) -> str:
    """Text of a file as an error may print it: at most `most` characters, control characters made visible."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in cut)


def kind_of(path: Path) -> Literal["folder", "file"] | None:
    """None where nothing is there, or it may not be looked at."""
    try:
        return "folder" if stat.S_ISDIR(path.stat().st_mode) else "file"
    except (OSError, ValueError):
        return None


@contextmanager
def open_file(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The open file and its size in bytes. A device or a pipe is refused before it is opened: it might never end.

    Raises UsageError where there is no such file, or reading it fails.
    """
    where = shown(str(path))
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{shown(path.name)} is not a file", where=where, hint="name one file of a model")
        with path.open("rb", buffering=0) as file:
            yield file, status.st_size
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a valid path"
        raise UsageError(
            f"{shown(path.name)} cannot be read: {reason}", where=where, hint="check the path and its permissions"
        ) from error


class Source:
    """Reads through a buffer of `CHUNK` bytes; `limit` bounds how far it goes.

    Every read checks what is left first, so a length in a damaged file costs no memory. Numbers are little endian.
    """

    def __init__(self, file: BinaryIO, path: Path, size: int, limit: int = HEADER_LIMIT) -> None:
        self.path = path
        self.size = size
        self._file = file
        self._limit = limit
        self._buffer = b""
        self._start = 0
        self._at = 0

    @property
    def position(self) -> int:
        return self._start + self._at

    def error(self, what: str, hint: str = _DAMAGED) -> UsageError:
        """The problem with this file and the place of it; to be raised."""
        where = f"{shown(str(self.path))}, byte {self.position}"
        return UsageError(f"{shown(self.path.name)} {what}", where=where, hint=hint)

    def require(self, count: int, width: int, what: str) -> None:
        """Raises UsageError where `count` items of at least `width` bytes cannot follow."""
        end = self.position + count * width
        if end > self._limit:
            raise self.error(f"claims {count} {what}, more than a header holds ({self._limit >> 20} MiB)")
        if end > self.size:
            raise self.error(f"is truncated: {self.size} bytes do not hold its {count} {what}")

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes; for small things only."""
        self.require(count, 1, what)
        self._fill(count)
        taken = self._buffer[self._at : self._at + count]
        self._at += count
        return taken

    def skip(self, count: int, what: str) -> None:
        self.require(count, 1, what)
        self._at += count

    def u32(self, what: str) -> int:
        return int.from_bytes(self.take(4, what), "little")

    def u64(self, what: str) -> int:
        return int.from_bytes(self.take(8, what), "little")

    def text(self, longest: int, what: str) -> str:
        """A string of at most `longest` bytes. Raises UsageError where it is longer or not UTF-8."""
        length = self.u64(what)
        if length > longest:
            raise self.error(f"has {what} of {length} bytes; {longest} is the most")
        try:
            return self.take(length, f"bytes of {what}").decode("utf-8")
        except UnicodeDecodeError:
            raise self.error(f"has {what} that is not UTF-8") from None

    def skip_strings(self, count: int, what: str) -> None:
        """Passes over `count` strings (a tokenizer's vocabulary) without keeping one."""
        self.require(count, 8, what)
        while count:
            self.require(1, 8, what)
            self._fill(8)
            buffer, at, last, unpack = self._buffer, self._at, len(self._buffer) - 8, _U64.unpack_from
            while count and at <= last:
                at += 8 + unpack(buffer, at)[0]
                count -= 1
            passed, self._at = at - self._at, self._at
            self.skip(passed, f"bytes of {what}")

    def _fill(self, count: int) -> None:
        """Sees to it that `count` bytes lie in the buffer. A file cut short while it is read is truncated."""
        if self._at + count <= len(self._buffer):
            return
        position = self.position
        self._file.seek(position)
        self._buffer = b""
        while len(self._buffer) < count:
            more = self._file.read(max(CHUNK, count) - len(self._buffer))
            if not more:
                raise self.error("is truncated: it ended while it was read")
            self._buffer += more
        self._start, self._at = position, 0
