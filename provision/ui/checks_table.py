"""Verification results: one line per passed check, the whole story of each failed one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.report import CardMeasurement, CheckResult, Receipt
from provision.ui.bars import Part, draw_bar
from provision.ui.printable import printable, safe, shorten

_SIGNS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "skipped": ("-", "yellow")}
LINE_WIDTH = 78
BAR_WIDTH = 64
_INDENT = "      "


def render_checks(receipt: Receipt) -> RenderableType:
    """All checks in their order, the bars of the cards, then the count of each status."""
    cards = [render_cards(receipt.cards), Text()] if receipt.cards else []
    return Group(*(_check(check) for check in receipt.checks), Text(), *cards, render_counts(receipt.checks))


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


def _check(check: CheckResult) -> Text:
    sign, style = _SIGNS[check.status]
    text = Text(f"  {sign} ", style=style)
    place = f"{check.machine}: " if check.machine else ""
    tag = " · simulated" if check.simulated else ""
    width = LINE_WIDTH - 4 - len(tag)
    if check.status == "passed":
        text.append(shorten(f"{place}{check.title}: {check.measured}", width), style="default")
    else:
        text.append(shorten(f"{place}{check.title}", width), style="default" if check.status == "skipped" else "bold")
    text.append(tag, style="magenta")
    if check.status == "skipped":
        text.append_text(_field("why", check.measured))
    if check.status == "failed":
        for name, value in (("expected", check.expected), ("measured", check.measured), ("next step", check.hint)):
            text.append_text(_field(name, value))
    return text


def _field(name: str, value: str) -> Text:
    """A named value below its check, every further line of it indented."""
    lines = printable(value).split("\n")
    text = Text(f"\n{_INDENT}{name}: ", style="bold")
    text.append(f"\n{_INDENT}  ".join(lines), style="default")
    return text


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
    for name, parts, mib in (("planned ", planned, card.planned_mib), ("measured", measured, card.measured_mib)):
        text.append(f"\n  {name} ")
        text.append_text(draw_bar(parts, card.total_mib, BAR_WIDTH - 10))
        text.append(f" {mib} MiB")
    known = "not known" if card.before_mib is None else f"{card.before_mib} MiB"
    text.append(f"\n  tolerance ±{card.tolerance_mib} MiB, in use before the load: {known}")
    return text
