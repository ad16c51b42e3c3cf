"""One card's memory as a bar with its figures: weights, KV cache, compute buffers, overhead, free."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from provision.models.plan import Plan
from provision.ui.bars import Part, choose_scale, draw_bar

BAR_WIDTH = 64


def part_card(weights_mib: int, kv_mib: int, compute_mib: int, overhead_mib: int) -> list[Part]:
    """The parts of a card in the order and look of every picture."""
    return [
        Part("weights", weights_mib, "█", "blue"),
        Part("kv", kv_mib, "▓", "cyan"),
        Part("compute", compute_mib, "▒", "green"),
        Part("overhead", overhead_mib, "░", "yellow"),
    ]


def part_budgets(plan: Plan, card: int) -> list[Part]:
    """What all models of a plan are to take on one card."""
    budgets = [budget for engine in plan.engines for budget in engine.cards if budget.card == card]
    return part_card(
        sum(b.weights_mib for b in budgets),
        sum(b.kv_mib for b in budgets),
        sum(b.compute_mib for b in budgets),
        sum(b.overhead_mib for b in budgets),
    )


def render_card(head: Text, parts: list[Part], usable_mib: int) -> Group:
    """Head, bar and legend. Where little is taken, the bar stands for less than the card, and says so."""
    taken = sum(part.mib for part in parts)
    free = usable_mib - taken
    scale = choose_scale(usable_mib, taken)
    bar = draw_bar(parts, scale, BAR_WIDTH)
    bar.append("" if scale == usable_mib else f" of {scale} MiB", style="dim")
    legend = Text()
    for part in parts:
        legend.append(part.sign, style=part.style)
        legend.append(f" {part.name} {part.mib}  ")
    legend.append(f"· free {free} MiB", style="bold red" if free < 0 else "default")
    return Group(head, bar, legend)
