"""The cost figures of "Open source AI for SMEs" (EnterpriseIQ, 2026-05-27), from its own inputs (the case `sme`).

A figure that the article repeats is listed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from provision.models.figures import Figure
from provision.models.tco import CostCase, PriceList
from provision.tco.cost import list_payments
from provision.tco.figures import judge, money, total_of
from provision.tco.rates import convert
from provision.tco.report import cost_option

_figure = partial(judge, "sme")
_HOURS_OF_A_YEAR = 8760


def list_sme_figures(case: CostCase, prices: PriceList) -> list[Figure]:
    """In the article's order of subjects: cloud, self-hosted, the two beside each other, the inputs themselves."""
    return [*_cloud(case), *_self_hosted(case), *_ranges(case), *_beside(case), *_inputs(prices), _pilot(prices)]


def _monthly(case: CostCase, name: str) -> Decimal:
    return list_payments(case, next(one for one in case.options if one.name == name)).running


def _cloud(case: CostCase) -> Iterator[Figure]:
    team = _monthly(case, "claude-team")
    low, high = _monthly(case, "claude-enterprise-low"), _monthly(case, "claude-enterprise-high")
    yield _figure(
        "team-month", "DKK 215 per seat per month x 15 = DKK 3,225 per month", "DKK", 3225, team, "215 x 15 = 3,225"
    )
    yield _figure("team-year", "= DKK 38,700 per year", "DKK", 38700, team * 12, "3,225 x 12 = 38,700")
    yield _figure(
        "team-total",
        "3-year total: about DKK 116,000",
        "DKK",
        116000,
        total_of(case, "claude-team"),
        "38,700 x 3 = 116,100",
    )
    yield _figure(
        "enterprise-month",
        "DKK 5,250 to 7,500 per month",
        "DKK",
        (5250, 7500),
        (low, high),
        "350 x 15 = 5,250; 500 x 15 = 7,500",
    )
    yield _figure(
        "enterprise-total",
        "3-year total: DKK 189,000 to 270,000",
        "DKK",
        (189000, 270000),
        (total_of(case, "claude-enterprise-low"), total_of(case, "claude-enterprise-high")),
        "5,250 x 36 = 189,000; 7,500 x 36 = 270,000",
    )
    yield _figure(
        "trigger-year", "DKK 5,000 per month (DKK 60,000 per year)", "DKK", 60000, 5000 * 12, "5,000 x 12 = 60,000"
    )
    yield _figure(
        "cloud-range",
        "versus DKK 180,000 to 290,000 cloud over the same period",
        "DKK",
        (180000, 290000),
        (5000 * 36, total_of(case, "claude-enterprise-high")),
        "5,000 x 36 = 180,000. The dearest cloud that the article prices is Enterprise at 500 x 15 x 36 = 270,000; "
        "290,000 / 36 = 8,056 per month is the price of nothing in it",
    )


def _self_hosted(case: CostCase) -> Iterator[Figure]:
    own = cost_option(case, case.options[0])
    yield _figure(
        "year-1", "Year 1: ... = DKK 112,000", "DKK", 112000, own.years[0], "80,000 + 12,000 + 20,000 = 112,000"
    )
    yield _figure(
        "year-2", "Year 2: DKK 12,000 + DKK 20,000 = DKK 32,000", "DKK", 32000, own.years[1], "12,000 + 20,000 = 32,000"
    )
    yield _figure(
        "year-3", "Year 3: DKK 12,000 + DKK 20,000 = DKK 32,000", "DKK", 32000, own.years[2], "12,000 + 20,000 = 32,000"
    )
    yield _figure(
        "total", "3-year total: about DKK 176,000", "DKK", 176000, own.total, "112,000 + 32,000 + 32,000 = 176,000"
    )


def _ranges(case: CostCase) -> Iterator[Figure]:
    name = case.options[0].name
    low_work, high_work = money(15000, "DKK"), money(25000, "DKK")
    low_server, high_server = money(60000, "DKK"), money(90000, "DKK")
    typical = total_of(case, name, operations__per_year=low_work)
    low = total_of(case, name, purchase__price=low_server, operations__per_year=low_work)
    high = total_of(case, name, purchase__price=high_server, operations__per_year=high_work)
    yield _figure(
        "typical-total",
        "typically land at DKK 150,000 over 3 years",
        "DKK",
        150000,
        typical,
        "80,000 + 3 x (15,000 + 12,000) = 161,000: 11,000 more than stated",
    )
    yield _figure(
        "year-1-range",
        "DKK 120,000 to 180,000 in year 1",
        "DKK",
        (120000, 180000),
        (60000 + 12000 + 15000, 90000 + 12000 + 25000),
        "60,000 + 12,000 + 15,000 = 87,000; 90,000 + 12,000 + 25,000 = 127,000. The article's own year 1, 112,000, "
        "lies below its range",
    )
    yield _figure(
        "total-range",
        "3-year TCO about DKK 150,000 to 180,000",
        "DKK",
        (150000, 180000),
        (low, high),
        "60,000 + 3 x 27,000 = 141,000; 90,000 + 3 x 37,000 = 201,000. The article's own total, 176,000, lies within",
    )
    yield _figure(
        "operations",
        "4 to 8 hours per month ... DKK 15,000 to 25,000 per year",
        "DKK per year",
        (15000, 25000),
        (15000, 30000),
        "twice the hours cost twice as much: 15,000 / (4 x 12) = 312.50 per hour makes 8 hours 30,000; "
        "25,000 / (8 x 12) = 260.42 makes 4 hours 12,500. No one rate gives both ends",
    )


def _beside(case: CostCase) -> Iterator[Figure]:
    own, team = total_of(case, case.options[0].name), total_of(case, "claude-team")
    low, high = total_of(case, "claude-enterprise-low"), total_of(case, "claude-enterprise-high")
    yield _figure(
        "break-even",
        "Break-even versus Claude Team at about DKK 5,000 per month of cloud spend",
        "DKK per month",
        5000,
        own / 36,
        "176,000 / 36 = 4,889. At 215 a seat that is 22.7 seats, so not before 23; the 15 seats cost 3,225",
    )
    yield _figure(
        "wins-above",
        "self-hosted wins at cloud spend above DKK 5,000 per month",
        "DKK per month",
        5000,
        own / 36,
        "176,000 / 36 = 4,889; with the ends of the article's ranges 141,000 / 36 = 3,917 and 201,000 / 36 = 5,583",
    )
    yield _figure(
        "marginally",
        "Claude Team is marginally cheaper than self-hosted",
        "DKK over 3 years",
        None,
        own - team,
        f"176,000 - 116,100 = 59,900: self-hosted costs {(own - team) / team:.0%} more, which is not marginal",
        verdict="does not follow",
    )
    yield _figure(
        "significantly",
        "Claude Enterprise ..., self-hosted becomes significantly cheaper",
        "DKK over 3 years",
        None,
        (low - own, high - own),
        f"189,000 - 176,000 = 13,000 ({(low - own) / low:.0%} less) at the lower end, 270,000 - 176,000 = 94,000 "
        f"({(high - own) / high:.0%} less) at the upper end",
        verdict="follows in part",
    )


def _inputs(prices: PriceList) -> Iterator[Figure]:
    least = convert(prices.prices["eurostat-2023s2-lowest"].amount, "DKK", prices.rates)
    most = convert(prices.prices["eurostat-2023s2-highest"].amount, "DKK", prices.rates)
    idle, full = Decimal("0.1") * _HOURS_OF_A_YEAR, Decimal("0.7") * _HOURS_OF_A_YEAR
    watts = 12000 / most / _HOURS_OF_A_YEAR * 1000
    yield _figure(
        "electricity",
        "About DKK 12,000 per year on electricity at typical SME use",
        "DKK per year",
        12000,
        (idle * least, full * most),
        "no price of a kWh and no hours are given. 100 W all year are 876 kWh, 700 W all year 6,132. By Eurostat "
        f"(second half of 2023) businesses of the EU paid DKK {least:.2f} to {most:.2f}: {idle * least:,.0f} to "
        f"{full * most:,.0f}. 12,000 at the highest price are {watts:.0f} W day and night, which is not typical use",
        verdict="no inputs given",
    )
    yield _figure(
        "server",
        "Purchase price: DKK 60,000 to 90,000 incl. VAT",
        "DKK",
        (60000, 90000),
        None,
        "two cards cost 36,000 to 44,000, so 60,000 leaves 16,000 to 24,000 for the rest and 90,000 leaves 46,000 to "
        "54,000; the other parts have no prices in the article",
        verdict="no inputs given",
    )


def _pilot(prices: PriceList) -> Figure:
    community, secure = (
        convert(prices.prices[f"runpod-{tier}-rtx-4090-hour"].amount, "DKK", prices.rates) * 2 * 336
        for tier in ("community", "secure")
    )
    return _figure(
        "pilot",
        "about DKK 1,500 to 3,000 for a 2-week test",
        "DKK",
        (1500, 3000),
        (community, secure),
        "no price of an hour is given. Two RTX 4090 for 14 x 24 = 336 hours at RunPod's USD 0.34 to 0.74 (2026-09-25): "
        f"2 x 336 x 0.34 = USD 228 = DKK {community:,.0f}; 2 x 336 x 0.74 = USD 497 = DKK {secure:,.0f}",
        verdict="no inputs given",
    )
