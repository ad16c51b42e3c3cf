"""The receipt as one HTML file: no script, no request to anywhere, readable on paper, light and dark."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

from provision.models.plan import EngineInstance, Plan
from provision.models.report import CardMeasurement, CheckResult, SignedReceipt
from provision.ui.bars import choose_scale
from provision.ui.card_bars import part_budgets
from provision.ui.pages import TEMPLATES, open_page
from provision.ui.printable import in_seconds

BAR_WIDTH = 640
"""Units of the SVG's view box; the drawing scales with the page."""


def render_receipt_html(signed: SignedReceipt, plan: Plan, *, templates: Path = TEMPLATES) -> str:
    """The whole page; `plan` is the one the receipt speaks of.

    Every value is escaped by Jinja; the template receives ready values and decides nothing.
    """
    receipt = signed.receipt
    counts = Counter[str](check.status for check in receipt.checks)
    return open_page("receipt.html.j2", templates).render(
        receipt=receipt,
        signed=signed,
        created=receipt.created.strftime("%Y-%m-%d %H:%M:%S %Z"),
        counts={status: counts[status] for status in ("passed", "failed", "skipped")},
        failed=[check for check in receipt.checks if check.status == "failed"],
        plan=plan,
        place="lab" if receipt.target == "lab" else f"{receipt.target} on {plan.platform}",
        engines=[(engine, _context(engine), _place(engine)) for engine in plan.engines],
        machines=_by_machine(receipt.checks),
        cards=[_card_view(card, plan) for card in receipt.cards],
        links=[(name, url, url.startswith("https://")) for name, url in receipt.urls.items()],
        stages=[(stage.stage, in_seconds(stage.seconds)) for stage in receipt.stages],
        total=in_seconds(sum(stage.seconds for stage in receipt.stages)),
        bar_width=BAR_WIDTH,
    )


def _by_machine(checks: tuple[CheckResult, ...]) -> list[tuple[str, list[CheckResult]]]:
    order = {machine: place for place, machine in enumerate(dict.fromkeys(check.machine for check in checks))}
    ordered = sorted(checks, key=lambda check: order[check.machine])
    return [(machine or "whole stack", list(group)) for machine, group in groupby(ordered, key=lambda c: c.machine)]


def _context(engine: EngineInstance) -> str:
    return f"{engine.context_tokens // engine.parallel} tokens x {engine.parallel}"


def _place(engine: EngineInstance) -> str:
    cards = ", ".join(str(budget.card) for budget in engine.cards)
    return f"{engine.machine}, " + (f"card {cards}" if cards else "CPU")


def _card_view(card: CardMeasurement, plan: Plan) -> dict[str, Any]:
    """Widths of the bars; a value over the card's total is drawn to the end, its figure says the rest."""
    scale = choose_scale(card.total_mib, card.planned_mib, card.measured_mib)
    before = card.before_mib or 0
    taken = card.measured_mib - before
    return {
        "card": card,
        "scale": scale,
        "taken_mib": taken,
        "before": "not known" if card.before_mib is None else f"{card.before_mib} MiB",
        "within": abs(taken - card.planned_mib) <= card.tolerance_mib,
        "parts": _parts(card, plan, scale),
        "free_mib": card.total_mib - card.planned_mib,
        "before_width": _width(before, scale),
        "measured_width": _width(card.measured_mib, scale),
        "low": _width(card.planned_mib - card.tolerance_mib, scale),
        "high": _width(card.planned_mib + card.tolerance_mib, scale),
    }


def _parts(card: CardMeasurement, plan: Plan, scale_mib: int) -> list[dict[str, Any]]:
    """What the plan puts on the card, side by side as the terminal shows it."""
    placed, start = [], 0
    for part in part_budgets(plan, card.card):
        end = start + part.mib
        begin = _width(start, scale_mib)
        placed.append({"name": part.name, "mib": part.mib, "start": begin, "width": _width(end, scale_mib) - begin})
        start = end
    return placed


def _width(mib: int, scale_mib: int) -> int:
    return max(0, min(BAR_WIDTH, round(mib * BAR_WIDTH / max(scale_mib, 1))))
