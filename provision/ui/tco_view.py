"""A cost report for a person at a terminal: the answer first, then the figures, the curves and what moves them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from provision.models.money import show_money
from provision.models.tco import CostReport, PriceList
from provision.ui import tco_words as words
from provision.ui.plan_table import new_table
from provision.ui.plot import draw_plot, draw_tornado_rows
from provision.ui.printable import safe

PLOT_WIDTH, PLOT_HEIGHT = 96, 14


def render_costs(report: CostReport) -> RenderableType:
    """Everything but the full lists, which `--json` has."""
    parts: list[RenderableType] = [safe(words.say_result(report), "bold"), safe(report.description, "dim"), Text()]
    parts += [_options(report), Text(), _parts(report), Text()]
    parts += [Text(f"Paid so far, {report.currency}", style="bold"), _months(report), Text()]
    parts += [safe(line) for line in _month_lines(report)]
    if report.token_curves:
        parts += [Text(), Text(f"Cost per month over tokens per month, {report.currency}", style="bold")]
        parts += [_tokens(report), Text(), *(safe(line) for line in _token_lines(report))]
    if report.effects:
        title = f"What each input does: saving of {report.subject} against {report.against}, {report.currency}"
        parts += [Text(), safe(title, "bold"), _tornado(report)]
    parts += [Text(), Text("Rests on", style="bold"), *(safe(f"- {words.say_price(use)}") for use in report.prices)]
    parts += [safe(f"- {note}") for note in report.notes]
    parts += [safe(f"Warning: {line}", "yellow") for line in words.list_warnings(report)]
    return Group(*parts)


def _options(report: CostReport) -> Table:
    table = new_table(f"Costs, {report.currency}")
    table.add_column("option", no_wrap=True)
    for year in range(report.years):
        table.add_column(f"year {year + 1}", justify="right")
    for head in ("total", "per month", "per 1M tokens"):
        table.add_column(head, justify="right")
    for option in report.options:
        each = option.per_million_tokens
        figures = [f"{show_money(amount, '').strip()}" for amount in (*option.years, option.total, option.per_month)]
        name = safe(option.name, "bold green" if option.name == report.cheapest else "bold")
        table.add_row(name, *figures, "-" if each is None else show_money(each, "").strip())
    return table


def _parts(report: CostReport) -> Table:
    table = new_table(f"What they are made of, {report.years} years, {report.currency}")
    kinds = list(dict.fromkeys(part.part for option in report.options for part in option.parts))
    table.add_column("option", no_wrap=True)
    for kind in kinds:
        table.add_column(kind, justify="right")
    for option in report.options:
        cost = {part.part: part.total for part in option.parts}
        table.add_row(
            safe(option.name, "bold"),
            *(show_money(cost[kind], "").strip() if kind in cost else "-" for kind in kinds),
        )
    return table


def _months(report: CostReport) -> Text:
    return draw_plot(
        words.month_series(report), width=PLOT_WIDTH, height=PLOT_HEIGHT, show_y=words.show_short,
        show_x=lambda month: f"{month:.0f}", x_label="months",
    )  # fmt: skip


def _tokens(report: CostReport) -> Text:
    return draw_plot(
        words.token_series(report), width=PLOT_WIDTH, height=PLOT_HEIGHT, show_y=words.show_short,
        show_x=words.show_short, x_label="tokens per month",
    )  # fmt: skip


def _month_lines(report: CostReport) -> list[str]:
    said = [words.say_month_crossing(report, one) for one in report.month_crossings]
    return [*said[: words.MOST_CROSSINGS], *words.say_no_crossing(report)]


def _token_lines(report: CostReport) -> list[str]:
    said = [words.say_token_crossing(report, one) for one in report.token_crossings]
    more = len(said) - words.MOST_CROSSINGS
    return [*said[: words.MOST_CROSSINGS], *([f"{more} more crossings: --json"] if more > 0 else [])] or [
        "No two options cost the same at any number of tokens that 40 machines serve."
    ]


def _tornado(report: CostReport) -> Text:
    return draw_tornado_rows(
        words.effect_bars(report), base=float(report.saving or 0), width=PLOT_WIDTH, show=words.show_short
    )


def render_prices(known: PriceList) -> Table:
    """The price list, by the name that a case writes after `list:`."""
    table = new_table("Prices: write list:NAME in a cost case")
    for head in ("name", "amount", "of", "date", "source"):
        table.add_column(head, overflow="fold", no_wrap=head in ("name", "date"))
    for name, price in known.prices.items():
        source = f"{price.source} (article's assumption)" if price.kind == "article" else price.source
        table.add_row(safe(name), str(price.amount), safe(f"{price.what}, {price.unit}"), str(price.date), safe(source))
    return table
