"""Bars of characters: every part has its own sign, so that a bar reads without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text


class Part(NamedTuple):
    """A named share of a bar, MiB."""

    name: str
    mib: int
    sign: str
    style: str


def choose_scale(total_mib: int, *values_mib: int) -> int:
    """What a full bar stands for, MiB: the card, or the next power of two where a tenth of it would show nothing."""
    largest = max(values_mib, default=0)
    if largest <= 0 or largest * 10 >= total_mib:
        return total_mib
    scale = 64
    while scale < largest * 1.25:
        scale *= 2
    return min(scale, total_mib)


def share_columns(values: Sequence[int], total: int, width: int) -> list[int]:
    """Columns for each value: in proportion, at least one where the value is not 0, never over `width`."""
    if total <= 0 or width <= 0:
        return [0 for _ in values]
    columns = [max(1, value * width // total) if value > 0 else 0 for value in values]
    while sum(columns) > width:
        columns[columns.index(max(columns))] -= 1
    return columns


def draw_bar(parts: Sequence[Part], total_mib: int, width: int, *, empty: str = "·") -> Text:
    """The parts side by side, the rest filled with `empty`. More than the total fills the whole bar."""
    scale = max(total_mib, sum(part.mib for part in parts))
    text = Text()
    for part, columns in zip(parts, share_columns([p.mib for p in parts], scale, width), strict=True):
        text.append(part.sign * columns, style=part.style)
    text.append(empty * (width - len(text.plain)), style="dim")
    return text
