"""Words and rules on pages: what does not fit goes to the next one. Points, origin at the bottom left, like PDF."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from provision.ui.pdf_type import REGULAR, break_lines, plain

_LEADING = 1.35


class Line(NamedTuple):
    """One line of text, not yet anywhere."""

    text: str
    font: str
    size: float
    colour: str

    @property
    def height(self) -> float:
        return self.size * _LEADING


class Words(NamedTuple):
    """Text at its place; y is its baseline."""

    x: float
    y: float
    text: str
    font: str
    size: float
    colour: str


class Rule(NamedTuple):
    """A straight line, a filled shape, or (four points, no fill) a cubic curve."""

    points: tuple[tuple[float, float], ...]
    stroke: str | None
    fill: str | None = None
    weight: float = 0.5
    dashed: bool = False


@dataclass
class Page:
    marks: list[Words | Rule] = field(default_factory=list)
    headings: list[tuple[str, float]] = field(default_factory=list)


class _Table(NamedTuple):
    head: list[list[Line]]
    widths: list[float]
    gap: float
    rule: str


class Flow:
    """Fills pages from the top; `y` is where the next thing begins."""

    def __init__(self, *, left: float, right: float, top: float, bottom: float) -> None:
        self.left, self.right, self.top, self.bottom = left, right, top, bottom
        self.pages = [Page()]
        self.y = top
        self._table: _Table | None = None

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def free(self) -> float:
        return self.y - self.bottom

    def lines(self, text: str, font: str, size: float, colour: str, width: float) -> list[Line]:
        return [Line(part, font, size, colour) for part in break_lines(text, font, size, width)]

    def text(self, text: str, font: str, size: float, colour: str) -> None:
        self.block(self.lines(text, font, size, colour, self.width))

    def heading(self, text: str, font: str, size: float, colour: str, *, keep: float) -> None:
        """With at least `keep` points below it on the same page."""
        self.space(12)
        lines = self.lines(text, font, size, colour, self.width)
        if self.free < keep + _height(lines) and self.y < self.top:
            self._new_page()
        self.pages[-1].headings.append((plain(text), self.y))
        self.block(lines)
        self.space(3)

    def block(self, lines: list[Line]) -> None:
        """Lines below each other; together on one page where they fit on one."""
        if _height(lines) > self.free and _height(lines) <= self.top - self.bottom:
            self._new_page()
        for line in lines:
            if line.height > self.free:
                self._new_page()
            self._put(self.left, line)
            self.y -= line.height

    def panel(self, text: str, size: float, colour: str, fill: str, edge: str) -> None:
        """A note with a coloured edge on its left."""
        lines = self.lines(text, REGULAR, size, colour, self.width - 16)
        height = _height(lines) + 8
        top = self.take(height + 4)
        self.box(self.left, top - height, self.width, height, fill, None)
        self.box(self.left, top - height, 3, height, edge, None)
        y = top - 4
        for line in lines:
            self.words(self.left + 10, y - line.size, *line)
            y -= line.height

    def space(self, height: float) -> None:
        if self.y < self.top:
            self.y -= height

    def take(self, height: float) -> float:
        """Room for a thing that cannot be cut; where it begins."""
        if height > self.free and self.y < self.top:
            self._new_page()
        start = self.y
        self.y -= height
        return start

    def table_head(self, head: list[list[Line]], widths: list[float], gap: float, rule: str) -> None:
        """It stands again on each page that the table reaches."""
        self._table = _Table(head, widths, gap, rule)
        self._draw_head()

    def table_row(self, cells: list[list[Line]], rule: str, *, fill: str | None) -> None:
        """On one page where it fits on one; else cut between lines."""
        height = max(_height(cell) for cell in cells) + 6
        if height > self.free and self.y < self.top - 40:
            self._new_page()
        while any(cells):
            room = self.free - 6
            now, cells = _cut(cells, room)
            height = max((_height(cell) for cell in now), default=0.0) + 6
            if fill:
                self.box(self.left - 4, self.y - height, self.width + 8, height - 0.8, fill, None)
            self._draw_cells(now, self.y - 3)
            self.y -= height
            self.pages[-1].marks.append(Rule(((self.left, self.y), (self.right, self.y)), rule))
            if any(cells):
                self._new_page()

    def table_end(self) -> None:
        self._table = None

    def words(self, x: float, y: float, text: str, font: str, size: float, colour: str) -> None:
        self.pages[-1].marks.append(Words(x, y, plain(text), font, size, colour))

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, stroke: str | None, *, dashed: bool = False
    ) -> None:
        corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
        self.pages[-1].marks.append(Rule(corners, stroke, fill, 1.2, dashed))

    def curve(self, points: list[tuple[float, float]], stroke: str, *, dashed: bool) -> None:
        self.pages[-1].marks.append(Rule(tuple(points), stroke, None, 1.2, dashed))

    def _put(self, x: float, line: Line, y: float | None = None) -> None:
        base = (self.y if y is None else y) - line.size
        self.pages[-1].marks.append(Words(x, base, line.text, line.font, line.size, line.colour))

    def _draw_head(self) -> None:
        table = self._table
        if table is None:
            return
        self._draw_cells(table.head, self.y)
        self.y -= max(_height(cell) for cell in table.head) + 2
        self.pages[-1].marks.append(Rule(((self.left, self.y), (self.right, self.y)), table.rule))

    def _draw_cells(self, cells: list[list[Line]], top: float) -> None:
        if self._table is None:
            raise ValueError("a row needs the head of its table first")
        x = self.left
        for cell, width in zip(cells, self._table.widths, strict=True):
            y = top
            for line in cell:
                self._put(x, line, y)
                y -= line.height
            x += width + self._table.gap

    def _new_page(self) -> None:
        self.pages.append(Page())
        self.y = self.top
        self._draw_head()


def _height(lines: list[Line]) -> float:
    return sum(line.height for line in lines)


def _cut(cells: list[list[Line]], room: float) -> tuple[list[list[Line]], list[list[Line]]]:
    """Of each cell what fits into `room`, at least one line, and the rest."""
    now, rest = [], []
    for cell in cells:
        count, used = 0, 0.0
        while count < len(cell) and (used + cell[count].height <= room or count == 0):
            used += cell[count].height
            count += 1
        now.append(cell[:count])
        rest.append(cell[count:])
    return now, rest
