"""What a cost report says, in sentences and series that the terminal and the page share."""

from __future__ import annotations

from decimal import Decimal

from provision.models.money import show_money
from provision.models.tco import CostReport, Effect, MonthCrossing, PriceUse, TokenCrossing
from provision.ui.charts import Bar, Mark, Series

MOST_EFFECTS = 10
"""Rows of a tornado; the JSON has all."""
MOST_CROSSINGS = 8


def show_short(value: float) -> str:
    """116100 → '116k', 2500000 → '2.5M', 900 → '900'."""
    for factor, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.1f}".removesuffix(".0") + sign
    return f"{value:.0f}"


def show_tokens(tokens: Decimal) -> str:
    """Decimal('187083333') → '187M'."""
    millions = tokens / 10**6
    return f"{millions:,.0f}M" if millions >= 10 else f"{millions:,.1f}M"


def say_result(report: CostReport) -> str:
    """The first sentence: who is cheapest, and what the subject saves."""
    total = {option.name: option.total for option in report.options}
    least = show_money(total[report.cheapest], report.currency)
    text = f"Over {report.years} years {report.cheapest} costs least: {least}."
    if report.against is None or report.saving is None:
        return text
    word = "saves" if report.saving >= 0 else "costs"
    tail = "against" if report.saving >= 0 else "more than"
    return f"{text} {report.subject} {word} {show_money(abs(report.saving), report.currency)} {tail} {report.against}."


def say_month_crossing(report: CostReport, one: MonthCrossing) -> str:
    how = "steps below" if one.jump else "has cost less than"
    paid = show_money(one.paid, report.currency)
    return f"From month {one.month:.1f} on {one.cheaper_after} {how} {one.dearer_after}; {paid} are paid by then."


def say_token_crossing(report: CostReport, one: TokenCrossing) -> str:
    cost = show_money(one.per_month, report.currency)
    machines = f", with {one.machines} machines" if one.machines > 1 else ""
    step = " (where the other needs one more machine)" if one.jump else ""
    return (
        f"Above {show_tokens(one.tokens_per_month)} tokens per month {one.cheaper_above} costs less than "
        f"{one.dearer_above}{machines}: {cost} per month{step}."
    )


def say_no_crossing(report: CostReport) -> list[str]:
    """For each pair that never meets within the horizon, who stays cheaper."""
    met = {frozenset((one.cheaper_after, one.dearer_after)) for one in report.month_crossings}
    subject = report.options[0]
    return [
        f"Within {report.years} years {subject.name} and {other.name} do not meet: "
        f"{min((subject, other), key=lambda option: option.total).name} stays cheaper."
        for other in report.options[1:]
        if frozenset((subject.name, other.name)) not in met
    ]


def say_price(use: PriceUse) -> str:
    assumed = {"article": ", the article's own assumption", "given": ", given with the case"}.get(use.kind, "")
    day = f", {use.date}" if use.date else ""
    return f"{use.text} ({use.source}{day}{assumed})"


def list_warnings(report: CostReport) -> list[str]:
    """One line for all prices that should be looked up again."""
    old = [use for use in report.prices if use.old]
    if not old:
        return []
    days = [use.date for use in old if use.date]
    names = ", ".join(use.name for use in old)
    return [f"{len(old)} of {len(report.prices)} prices are old (the oldest of {min(days)}): look up {names} again"]


def month_series(report: CostReport) -> list[Series]:
    return [
        Series(option.name, [(float(month), float(paid)) for month, paid in enumerate(option.curve)])
        for option in report.options
    ]


def month_marks(report: CostReport) -> list[Mark]:
    return [Mark(float(one.month), float(one.paid), say_month_crossing(report, one)) for one in report.month_crossings]


def token_series(report: CostReport) -> list[Series]:
    return [
        Series(name, [(float(tokens), float(cost)) for tokens, cost in points])
        for name, points in report.token_curves.items()
    ]


def token_marks(report: CostReport) -> list[Mark]:
    end = max((float(points[-1][0]) for points in report.token_curves.values()), default=0.0)
    return [
        Mark(float(one.tokens_per_month), float(one.per_month), say_token_crossing(report, one))
        for one in report.token_crossings
        if float(one.tokens_per_month) <= end and not one.jump
    ]


def effect_bars(report: CostReport) -> list[Bar]:
    return [to_bar(effect) for effect in report.effects[:MOST_EFFECTS]]


def to_bar(effect: Effect) -> Bar:
    return Bar(effect.input, float(effect.at_low), float(effect.at_high), effect.low, effect.high)
