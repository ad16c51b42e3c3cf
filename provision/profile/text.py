"""From a file to text that is safe to read and to show: size, encoding, invisible characters."""

from __future__ import annotations

import stat
import unicodedata
from pathlib import Path

from provision.errors import ProfileError

MAX_BYTES = 2**20
_BREAKS_AND_TAB = frozenset("\t\n\r")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def read_text(path: Path, label: str) -> str:
    """A file of at most 1 MiB of UTF-8; `label` names it in errors. Raises ProfileError for anything else."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ProfileError("this is not a file", where=label, hint="give the path of a YAML file")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ProfileError(
            f"the file cannot be read: {reason}", where=label, hint="check the path and its permissions"
        ) from error
    return decode(content, label)


def decode(content: bytes, label: str) -> str:
    """UTF-8 (with or without a byte order mark) as text. Raises ProfileError with the line of the first fault."""
    if len(content) > MAX_BYTES:
        raise ProfileError(
            "the file is larger than 1 MiB, which no profile is",
            where=label,
            hint="check that this is the file you mean",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProfileError(
            "the file is not UTF-8 text", where=f"{label}, line {line}", hint="save it as UTF-8"
        ) from error
    fault = find_hidden(text)
    if fault is not None:
        position, character = fault
        raise ProfileError(
            f"the file holds the invisible character {name_character(character)}",
            where=f"{label}, line {count_lines(text, position)}",
            hint="delete it; only line ends and tabs may be invisible",
        )
    return text


def find_hidden(text: str) -> tuple[int, str] | None:
    """The first control, format, surrogate or private character and its position."""
    for position, character in enumerate(text):
        if character.isascii() and character.isprintable():
            continue
        if character not in _BREAKS_AND_TAB and unicodedata.category(character) in _HIDDEN:
            return position, character
    return None


def count_lines(text: str, position: int) -> int:
    """The line (from 1) of a position; \\r\\n, \\n and \\r each end a line, as in YAML."""
    before = text[:position].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1


def name_character(character: str) -> str:
    """'U+202E RIGHT-TO-LEFT OVERRIDE'."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def show(text: str, limit: int = 60) -> str:
    """Text from outside as one printable line of at most `limit` characters."""
    shown = "".join(
        character if character == " " or unicodedata.category(character)[0] not in "CZ" else _escape(character)
        for character in text[: limit + 1]
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
