"""Text and figures as a person may safely read them on a terminal."""

from __future__ import annotations

import unicodedata

from rich.text import Text

_KEPT = {"\n"}


def printable(text: str) -> str:
    """The text with every control character made visible (an escape sequence must not steer the terminal).

    Service logs and task messages come from other machines. Bidirectional overrides (category Cf) go too.
    """
    return "".join(
        char if char in _KEPT or unicodedata.category(char) not in {"Cc", "Cf", "Cs"} else f"\\x{ord(char):02x}"
        for char in text.replace("\t", "    ").replace("\r\n", "\n")
    )


def safe(text: str, style: str = "") -> Text:
    """A rich text without markup: '[red]' in a machine's message stays '[red]'."""
    return Text(printable(text), style=style)


def shorten(text: str, width: int) -> str:
    """One line of at most `width` characters, cut with an ellipsis."""
    line = " ".join(printable(text).split())
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"


def in_gib(mib: int) -> str:
    """24576 → '24 GiB', 6144 → '6 GiB', 500 → '500 MiB'."""
    if mib < 1024:
        return f"{mib} MiB"
    return f"{mib / 1024:.1f}".removesuffix(".0") + " GiB"


def in_seconds(seconds: float) -> str:
    """0.42 → '0.4 s', 75 → '1 min 15 s', 4000 → '1 h 06 min'."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
