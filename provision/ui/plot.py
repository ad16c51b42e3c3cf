"""Line charts and tornados of characters: every series has its own sign, so that they read without colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from provision.ui.charts import Bar, Series, choose_ticks

SIGNS = "●▲■◆✚○"
STYLES = ("bright_blue", "red", "green", "magenta", "yellow", "cyan")
Show = Callable[[float], str]


def draw_plot(series: Sequence[Series], *, width: int, height: int, show_x: Show, show_y: Show, x_label: str) -> Text:
    """`width` by `height` characters with the axis; where two lines share a place, the first one is shown."""
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    ticks = choose_ticks(min(0.0, *ys), max(ys), 4)
    margin = max(len(show_y(tick)) for tick in ticks) + 2
    columns = max(10, width - margin)
    grid: list[list[int | None]] = [[None] * columns for _ in range(height)]
    for number, one in reversed(list(enumerate(series))):
        for column in range(columns):
            x = min(xs) + (max(xs) - min(xs)) * column / (columns - 1)
            y = value_at(one.points, x)
            row = round((y - ticks[0]) / (ticks[-1] - ticks[0]) * (height - 1))
            grid[height - 1 - row][column] = number
    text = Text()
    labels = {height - 1 - round((tick - ticks[0]) / (ticks[-1] - ticks[0]) * (height - 1)): tick for tick in ticks}
    for row, line in enumerate(grid):
        text.append(f"{show_y(labels[row]) if row in labels else '':>{margin - 1}}", style="dim")
        text.append("┤" if row in labels else "│", style="dim")
        for cell in line:
            text.append(" " if cell is None else SIGNS[cell], style="" if cell is None else STYLES[cell])
        text.append("\n")
    text.append(" " * (margin - 1) + "└" + "─" * columns + "\n", style="dim")
    first, last = show_x(min(xs)), f"{show_x(max(xs))} {x_label}"
    text.append(" " * margin + first + last.rjust(columns - len(first)) + "\n", style="dim")
    for number, one in enumerate(series):
        text.append("   " if number else "", style="")
        text.append(f"{SIGNS[number]} {one.name}", style=STYLES[number])
    return text


def value_at(points: Sequence[tuple[float, float]], x: float) -> float:
    """Between the two points around `x`; of two points at the same place the later one."""
    before = points[0]
    for point in points:
        if point[0] > x:
            share = (x - before[0]) / (point[0] - before[0]) if point[0] > before[0] else 1.0
            return before[1] + (point[1] - before[1]) * share
        before = point
    return before[1]


def draw_tornado_rows(bars: Sequence[Bar], *, base: float, width: int, show: Show) -> Text:
    """A line for the outcome at each end of each input; ◀ and ▶ show the way from the base."""
    widest = max((abs(value - base) for bar in bars for value in (bar.at_low, bar.at_high)), default=0.0)
    names = max((len(f"{bar.name} = {text}") for bar in bars for text in (bar.low_text, bar.high_text)), default=0)
    room = max(8, (width - names - 14) // 2)
    text = Text(f"{'as given':<{names}} {' ' * room}│{' ' * room} {show(base)}")
    for bar in bars:
        for value, given, style in ((bar.at_low, bar.low_text, "bright_blue"), (bar.at_high, bar.high_text, "yellow")):
            cells = round(abs(value - base) / widest * room) if widest else 0
            text.append(f"\n{f'{bar.name} = {given}':<{names}} ")
            text.append(("◀" * cells if value < base else "").rjust(room), style=style)
            text.append("│", style="dim")
            text.append(("▶" * cells if value > base else "").ljust(room), style=style)
            text.append(f" {show(value)}")
    return text
