"""Verification results: one line per passed check, the whole story of each failed one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from provision.models.report import CardMeasurement, CheckResult, Receipt
from provision.ui.bars import Part, choose_scale, draw_bar
from provision.ui.printable import printable, safe, shorten

_SIGNS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "skipped": ("-", "yellow")}
LINE_WIDTH = 78
BAR_WIDTH = 64
_INDENT = 6
_SHORTEST = 8
"""Columns below which an excerpt of the measured value says nothing."""


def render_checks(receipt: Receipt) -> RenderableType:
    """All checks in their order, the bars of the cards, then the count of each status."""
    cards = [render_cards(receipt.cards), Text()] if receipt.cards else []
    column = max((len(check.machine or "stack") for check in receipt.checks), default=0)
    lines = [_check(check, column) for check in receipt.checks]
    return Group(*lines, Text(), *cards, render_counts(receipt.checks))


def render_problems(receipt: Receipt) -> RenderableType:
    """Only what did not pass."""
    problems = [check for check in receipt.checks if check.status != "passed"]
    column = max((len(check.machine or "stack") for check in problems), default=0)
    return Group(*(_check(check, column) for check in problems))


def render_counts(checks: Sequence[CheckResult]) -> Text:
    """'31 passed, 1 failed, 2 skipped', and how many rest on a simulated card."""
    counts = Counter[str](check.status for check in checks)
    text = Text("Checks: ", style="bold")
    for status, (_, style) in _SIGNS.items():
        if counts[status] or status != "skipped":
            text.append(f"{counts[status]} {status}, ", style=style if counts[status] else "default")
    text.right_crop(2)
    simulated = sum(1 for check in checks if check.simulated)
    if simulated:
        text.append(f" ({simulated} rest on simulated cards)", style="magenta")
    return text


def render_cards(cards: Sequence[CardMeasurement]) -> RenderableType:
    """Planned and measured memory of every card, one bar each on the same scale."""
    return Group(*(_card(card) for card in cards))


def _check(check: CheckResult, column: int) -> RenderableType:
    sign, style = _SIGNS[check.status]
    text = Text(f"  {sign} ", style=style)
    text.append(f"{printable(check.machine or 'stack'):<{column}} ", style="dim")
    tag = " · simulated" if check.simulated else ""
    width = LINE_WIDTH - len(text.plain) - len(tag)
    if check.status == "passed":
        title = shorten(check.title, width)
        text.append(title, style="default")
        text.append(shorten(f": {check.measured}", width - len(title)) if width - len(title) > _SHORTEST else "", "dim")
    else:
        text.append(shorten(check.title, width), style="default" if check.status == "skipped" else "bold")
    text.append(tag, style="magenta")
    if check.status == "passed":
        return text
    fields = {"why": check.measured}
    if check.status == "failed":
        fields = {"measured": check.measured, "expected": check.expected, "next step": check.hint}
    return Group(text, *(_field(name, value) for name, value in fields.items()))


def _field(name: str, value: str) -> Padding:
    """A named value below its check; every line of it stays indented, however narrow the terminal is."""
    text = Text(f"{name}: ", style="bold")
    text.append(printable(value), style="default")
    return Padding(text, (0, 0, 0, _INDENT))


def _card(card: CardMeasurement) -> Text:
    before = card.before_mib or 0
    taken = max(card.measured_mib - before, 0)
    style = "green" if abs(taken - card.planned_mib) <= card.tolerance_mib else "red"
    text = Text(f"Card {card.card} ", style="bold")
    text.append_text(safe(f"{card.name} · {card.total_mib} MiB"))
    if card.simulated:
        text.append(" · simulated", style="magenta")
    planned = [Part("planned", card.planned_mib, "█", "blue")]
    measured = [Part("before the load", before, "▒", "yellow"), Part("measured", taken, "█", style)]
    scale = choose_scale(card.total_mib, card.planned_mib, card.measured_mib)
    for name, parts, mib in (("planned ", planned, card.planned_mib), ("measured", measured, card.measured_mib)):
        text.append(f"\n  {name} ")
        text.append_text(draw_bar(parts, scale, BAR_WIDTH - 10))
        text.append(f" {mib} MiB")
    known = "not known" if card.before_mib is None else f"{card.before_mib} MiB"
    text.append(f"\n  bars: 0 to {scale} MiB; tolerance ±{card.tolerance_mib} MiB; before the load: {known}")
    return text
