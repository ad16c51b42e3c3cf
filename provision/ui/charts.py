"""Line charts and tornados as inline SVG: no script, no request, a title and a description for screen readers.

Every text is escaped here. Colours are classes of `templates/report/charts.css`; each series has its own dash pattern
and its name at the end of its line, so that a chart reads without colour. A page adds the figures as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import floor, log10
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 340
LEFT, TOP, BOTTOM = 64, 30, 46
"""Margins, units of the view box; on the right there is room for the longest name."""
_LETTER = 6.3
"""Width of a letter at 11 px, on the safe side."""
_LINE = 15
"""Least distance of two names at the right edge, and of two rows of text."""

Show = Callable[[float], str]


class Series(NamedTuple):
    """A named line through points (x, y), x ascending."""

    name: str
    points: Sequence[tuple[float, float]]


class Mark(NamedTuple):
    """A point that the chart is about, such as where two lines meet."""

    x: float
    y: float
    text: str


class Bar(NamedTuple):
    """One input of a tornado: the outcome with the input at its low and at its high value."""

    name: str
    at_low: float
    at_high: float
    low_text: str
    high_text: str


def choose_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from at or below `low` to at or above `high`."""
    span = high - low
    if span <= 0:
        return [low, low + 1]
    rough = span / count
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = floor(low / step + 1e-9)
    ticks = [first * step]
    while ticks[-1] < high - step * 1e-6:
        ticks.append((first + len(ticks)) * step)
    return ticks


def draw_lines(
    name: str,
    title: str,
    description: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    show_x: Show,
    show_y: Show,
    marks: Sequence[Mark] = (),
    x_ticks: Sequence[float] = (),
) -> Markup:
    """A line chart. `name` is the page's unique id for it; `description` says in words what the lines do. `x_ticks`:
    where the x axis is marked, from its start; round numbers where left out."""
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    x_ticks, y_ticks = x_ticks or choose_ticks(min(xs), max(xs), 6), choose_ticks(min(0.0, *ys), max(ys))
    right = WIDTH - min(260, 34 + _LETTER * max(len(one.name) for one in series))
    x_low, x_high = x_ticks[0], max(max(xs), min(xs) + 1e-9)
    to_x = _scale(x_low, x_high, LEFT, right)
    to_y = _scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    parts = [_open(name, title, description, HEIGHT)]
    for tick in y_ticks:
        parts.append(_rule(LEFT, to_y(tick), right, to_y(tick), "grid"))
        parts.append(_text(LEFT - 7, to_y(tick) + 4, show_y(tick), "end"))
    for tick in x_ticks:
        if tick <= x_high * (1 + 1e-9):
            parts.append(_rule(to_x(tick), HEIGHT - BOTTOM, to_x(tick), HEIGHT - BOTTOM + 4, "axis"))
            parts.append(_text(to_x(tick), HEIGHT - BOTTOM + 17, show_x(tick), "middle"))
    parts.append(_rule(LEFT, HEIGHT - BOTTOM, right, HEIGHT - BOTTOM, "axis"))
    parts.append(_text((LEFT + right) / 2, HEIGHT - 10, x_label, "middle", "label"))
    parts.append(_text(LEFT - 7, TOP - 16, y_label, "end", "label"))
    for number, one in enumerate(series):
        path = " ".join(f"{to_x(x):.1f},{to_y(y):.1f}" for x, y in one.points)
        parts.append(Markup('<polyline class="line s{}" points="{}"/>').format(number % 6, path))
    parts += _names(series, to_y, right + 6)
    for mark in marks:
        parts.append(
            Markup('<circle class="mark" cx="{:.1f}" cy="{:.1f}" r="4.5"><title>{}</title></circle>').format(
                to_x(mark.x), to_y(mark.y), mark.text
            )
        )
    return Markup("\n").join([*parts, Markup("</svg>")])


def draw_tornado(name: str, title: str, description: str, bars: Sequence[Bar], *, base: float, show: Show) -> Markup:
    """One row per input, the widest first as given; the line in the middle is the outcome with every input as it is."""
    left, right, row = 230, 24, 34
    height = TOP + 22 + row * len(bars) + 8
    values = [base, *(value for bar in bars for value in (bar.at_low, bar.at_high))]
    ticks = choose_ticks(min(values), max(values), 4)
    to_x = _scale(ticks[0], ticks[-1], left, WIDTH - right)
    parts = [_open(name, title, description, height)]
    for tick in ticks:
        parts.append(_rule(to_x(tick), TOP + 16, to_x(tick), height - 6, "grid"))
        parts.append(_text(to_x(tick), TOP + 10, show(tick), "middle"))
    for number, bar in enumerate(bars):
        y = TOP + 22 + row * number
        parts.append(_text(left - 10, y + 12, bar.name, "end"))
        parts.append(_text(left - 10, y + 25, f"{bar.low_text} to {bar.high_text}", "end", "label"))
        for value, kind in ((bar.at_low, "low"), (bar.at_high, "high")):
            start, end = sorted((to_x(base), to_x(value)))
            parts.append(
                Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
                    kind, start, y + (4 if kind == "low" else 15), end - start, 10
                )
            )
    parts.append(_rule(to_x(base), TOP + 14, to_x(base), height - 4, "base"))
    return Markup("\n").join([*parts, Markup("</svg>")])


def spread(wanted: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Places near `wanted`, at least `distance` apart and within the bounds where there is room; order kept."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed: list[float] = []
    for index in order:
        placed.append(max(wanted[index], placed[-1] + distance if placed else low))
    excess = max(0.0, placed[-1] - high) if placed else 0.0
    if excess:
        placed[-1] = high
        for (here, _), (there, _) in pairwise(reversed(list(enumerate(placed)))):
            placed[there] = min(placed[there], placed[here] - distance)
    result = [0.0] * len(wanted)
    for index, value in zip(order, placed, strict=True):
        result[index] = value
    return result


def _names(series: Sequence[Series], to_y: Callable[[float], float], start: float) -> list[Markup]:
    """Each series' name at the height of its last point, moved where two would overlap."""
    ends = [to_y(one.points[-1][1]) for one in series]
    parts = []
    for number, (one, y) in enumerate(zip(series, spread(ends, _LINE, TOP + 4, HEIGHT - BOTTOM), strict=True)):
        parts.append(_rule(start, y, start + 18, y, f"line s{number % 6}"))
        parts.append(_text(start + 23, y + 4, one.name, "start"))
    return parts


def _open(name: str, title: str, description: str, height: float) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height:.0f}" role="img" aria-labelledby="{name}-title {name}-desc">\n'
        '<title id="{name}-title">{title}</title>\n<desc id="{name}-desc">{description}</desc>'
    ).format(width=WIDTH, height=height, name=name, title=title, description=description)


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(kind, x1, y1, x2, y2)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}"{}>{}</text>').format(
        x, y, anchor, Markup(' class="{}"').format(kind) if kind else "", escape(text)
    )
