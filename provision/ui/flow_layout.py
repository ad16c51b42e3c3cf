"""Where the boxes and lines of the data-flow picture lie; the page and the PDF draw the same."""

from __future__ import annotations

from typing import Literal, NamedTuple

from provision.models.papers import FlowPicture, FlowZone

Tone = Literal["class", "home", "outside"]
WIDTH = 640.0
_BOX = 236.0
_GAP = 14.0
_LINE = 14.0
_PAD = 10.0
_CHARS = 38
"""Characters of a box's line; the figure holds for 11 units of a common sans serif."""


type _Column = list[tuple[tuple[str, ...], Tone]]


class Box(NamedTuple):
    """`lines`: the first one stands out. Origin at the top left, like SVG."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    tone: Tone

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


class Way(NamedTuple):
    """A curve from the right edge of a class to the left edge of a zone."""

    x1: float
    y1: float
    x2: float
    y2: float
    tone: Tone

    @property
    def bend(self) -> tuple[float, float]:
        """x of both control points of a cubic Bezier curve."""
        half = (self.x2 - self.x1) / 2
        return self.x1 + half, self.x2 - half


class Drawing(NamedTuple):
    height: float
    boxes: tuple[Box, ...]
    ways: tuple[Way, ...]


def lay_out(picture: FlowPicture) -> Drawing:
    """Classes on the left, zones on the right, both centred on the taller column."""
    left: _Column = [((item.name, *_wrap(item.title)), "class") for item in picture.classes]
    right: _Column = [(_zone_lines(zone), "home" if zone.home else "outside") for zone in picture.zones]
    height = max(_height(left), _height(right))
    classes = _stack(left, 0.0, (height - _height(left)) / 2)
    zones = _stack(right, WIDTH - _BOX, (height - _height(right)) / 2)
    ways = []
    for box, item in zip(classes, picture.classes, strict=True):
        for target, zone in zip(zones, picture.zones, strict=True):
            if zone.name in item.zones:
                ways.append(Way(box.x + box.width, box.middle, target.x, target.middle, target.tone))
    return Drawing(height=height, boxes=(*classes, *zones), ways=tuple(ways))


def describe(picture: FlowPicture) -> str:
    """The picture in one sentence for who cannot see it."""
    titles = {zone.name: zone.title for zone in picture.zones}
    parts = [f"{c.name} to {', '.join(titles[z] for z in c.zones) or 'nowhere'}" for c in picture.classes]
    return "; ".join(parts) + "."


def _zone_lines(zone: FlowZone) -> tuple[str, ...]:
    models = _wrap("models: " + (", ".join(zone.models) or "none"))
    return (zone.title[:_CHARS], f"zone {zone.name}" + (", in the house" if zone.home else ", outside"), *models)


def _wrap(text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > _CHARS:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line] if line else lines


def _box_height(lines: tuple[str, ...]) -> float:
    return len(lines) * _LINE + 2 * _PAD


def _height(column: _Column) -> float:
    return sum(_box_height(lines) for lines, _ in column) + _GAP * max(len(column) - 1, 0)


def _stack(column: _Column, x: float, y: float) -> list[Box]:
    boxes = []
    for lines, tone in column:
        boxes.append(Box(x, y, _BOX, _box_height(lines), lines, tone))
        y += boxes[-1].height + _GAP
    return boxes
