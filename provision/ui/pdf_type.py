"""Type for the PDFs: Noto Sans in two weights (pymupdf-fonts, SIL Open Font License), measured and broken into lines.

Noto Sans, because the standard PDF fonts know Western European letters alone, and a firm's name may have others.
"""

from __future__ import annotations

import io
from functools import cache

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "NotoSans", "NotoSans-Bold"
_BUFFERS = {REGULAR: "notos", BOLD: "notosbo"}
_INSTEAD = {"→": "->", "≤": "<=", "≥": ">=", "✓": "yes", "\t": " "}


@cache
def _widths(font: str) -> dict[int, float]:
    """Width of each character in thousandths of the size; the font is registered on the way."""
    from pymupdf_fonts import fontbuffers

    found = TTFont(font, io.BytesIO(fontbuffers[_BUFFERS[font]]()))
    pdfmetrics.registerFont(found)
    widths: dict[int, float] = found.face.charWidths
    return widths


def plain(text: str) -> str:
    """Text of characters that the font has; what it lacks is named, never dropped."""
    known = _widths(REGULAR)
    if all(ord(c) in known for c in text):
        return text
    return "".join(c if ord(c) in known else _INSTEAD.get(c, f"[U+{ord(c):04X}]") for c in text)


def measure(text: str, font: str, size: float) -> float:
    """Points."""
    widths = _widths(font)
    return sum(widths.get(ord(c), 600.0) for c in text) * size / 1000


def break_lines(text: str, font: str, size: float, width: float) -> list[str]:
    """Lines no wider than `width` points; a word that is wider is cut. Line ends in the text stay."""
    lines: list[str] = []
    for paragraph in plain(text.replace("\r", "")).split("\n"):
        line, used = "", 0.0
        space = measure(" ", font, size)
        for word in paragraph.split():
            wide = measure(word, font, size)
            if line and used + space + wide <= width:
                line, used = f"{line} {word}", used + space + wide
                continue
            if line:
                lines.append(line)
            line, used = word, wide
            while used > width:
                cut = _fitting(line, font, size, width)
                lines.append(line[:cut])
                line = line[cut:]
                used = measure(line, font, size)
        lines.append(line)
    return lines


def _fitting(word: str, font: str, size: float, width: float) -> int:
    """How many characters of a word fit, at least one."""
    widths, used = _widths(font), 0.0
    for position, character in enumerate(word):
        used += widths.get(ord(character), 600.0) * size / 1000
        if used > width:
            return max(position, 1)
    return len(word)
