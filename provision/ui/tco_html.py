"""A cost report as one HTML file: charts as inline SVG, every chart's figures as a table, no script, no request."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from markupsafe import Markup

from provision.models.money import show_money
from provision.models.tco import CostReport
from provision.ui import tco_words as words
from provision.ui.charts import draw_lines, draw_tornado
from provision.ui.pages import TEMPLATES, open_page


def render_costs_html(report: CostReport, today: date, *, templates: Path = TEMPLATES) -> str:
    """The whole page; the template receives ready values and decides nothing."""
    return open_page("tco.html.j2", templates).render(
        report=report,
        today=today.isoformat(),
        result=words.say_result(report),
        money=lambda amount: show_money(amount, "").strip(),
        tokens=words.show_tokens,
        kinds=list(dict.fromkeys(part.part for option in report.options for part in option.parts)),
        parts={option.name: {part.part: part.total for part in option.parts} for option in report.options},
        months=_months(report),
        month_lines=_month_lines(report),
        month_rows=_month_rows(report),
        token_chart=_tokens(report) if report.token_curves else None,
        token_lines=[words.say_token_crossing(report, one) for one in report.token_crossings[: words.MOST_CROSSINGS]],
        tornado=_tornado(report) if report.effects else None,
        prices=[(use, words.say_price(use)) for use in report.prices],
        warnings=words.list_warnings(report),
    )


def _month_lines(report: CostReport) -> list[str]:
    return [*(words.say_month_crossing(report, one) for one in report.month_crossings), *words.say_no_crossing(report)]


def _months(report: CostReport) -> Markup:
    step = 6 if report.years < 6 else 12
    title = f"Paid so far over {report.years * 12} months, {report.currency}"
    return draw_lines(
        "chart-months", title, " ".join(_month_lines(report)),
        words.month_series(report), x_label="months", y_label=report.currency, show_x=lambda month: f"{month:.0f}",
        show_y=words.show_short, marks=words.month_marks(report), x_ticks=range(0, report.years * 12 + 1, step),
    )  # fmt: skip


def _month_rows(report: CostReport) -> list[tuple[int, list[Any]]]:
    """Every sixth month, so that the table can be read."""
    return [(month, [option.curve[month] for option in report.options]) for month in range(0, report.years * 12 + 1, 6)]


def _tokens(report: CostReport) -> Markup:
    lines = [words.say_token_crossing(report, one) for one in report.token_crossings[: words.MOST_CROSSINGS]]
    title = f"Cost per month over tokens per month, {report.currency}"
    return draw_lines(
        "chart-tokens", title, " ".join(lines) or "No two lines meet.",
        words.token_series(report), x_label="tokens per month", y_label=report.currency, show_x=words.show_short,
        show_y=words.show_short, marks=words.token_marks(report),
    )  # fmt: skip


def _tornado(report: CostReport) -> Markup:
    strongest = report.effects[0]
    return draw_tornado(
        "chart-inputs", f"Saving of {report.subject} against {report.against}, {report.currency}",
        f"The strongest input is {strongest.input}: from {strongest.low} to {strongest.high} the saving goes from "
        f"{show_money(strongest.at_low, report.currency)} to {show_money(strongest.at_high, report.currency)}.",
        words.effect_bars(report), base=float(report.saving or 0), show=words.show_short,
    )  # fmt: skip
