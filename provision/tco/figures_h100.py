"""The cost figures of "Self-hosted Open-Source AI 2026" (Gosign), from its own inputs (the case `h100`).

Its crossovers are reckoned without any limit of what one card serves, which favours the card, and said beside what
one card can serve.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from provision.models.figures import Figure, Verdict
from provision.models.tco import HOURS_PER_MONTH, CostCase, PriceList
from provision.tco.cost import list_payments, machine_tokens
from provision.tco.figures import judge
from provision.tco.inputs import change
from provision.tco.rates import convert
from provision.tco.report import cost_option

_figure = partial(judge, "h100")
_MILLION = Decimal(10**6)
_CARD = 30000


def list_h100_figures(case: CostCase, prices: PriceList) -> list[Figure]:
    """In the article's order of subjects: one card, crossovers, purchase and rent of each model."""
    return [
        *_one_card(case, prices),
        *_crossovers(case, prices),
        *_gpt_oss(case, prices),
        *_amortised(case),
        *_purchases(),
        *_rents(case),
        _consumer_card(prices),
    ]


def _rent(case: CostCase) -> Decimal:
    return list_payments(case, case.options[0]).running


def _full(case: CostCase) -> Decimal:
    return machine_tokens(case.options[0]) or Decimal(0)


def _one_card(case: CostCase, prices: PriceList) -> Iterator[Figure]:
    rent, full = _rent(case), _full(case)
    at_60 = change(case, ("load", "tokens_per_month"), full * Decimal("0.6"))
    by_hour = convert(prices.prices["scaleway-h100-sxm-hour"].amount, "EUR", prices.rates) * HOURS_PER_MONTH
    yield _figure(
        "throughput",
        "~390M tokens/month at 100% utilization",
        "M tokens",
        390,
        full / _MILLION,
        "150 x 3,600 x 730 hours = 394.2M (150 x 86,400 x 30 days = 388.8M)",
    )
    yield _figure(
        "per-million",
        "~10-12 EUR per 1M tokens",
        "EUR per 1M tokens",
        (10, 12),
        cost_option(at_60, at_60.options[0]).per_million_tokens or Decimal(0),
        "2,500 / (0.6 x 394.2M) = 10.57 (with 388.8M: 10.72)",
    )
    yield _figure(
        "month-and-hour",
        "~2,500 EUR/month dedicated, or ~3.50 EUR/h on-demand",
        "EUR per month",
        2500,
        by_hour,
        "3.50 x 730 = 2,555",
    )
    api = convert(prices.prices["mistral-small-api-input"].amount, "EUR", prices.rates)
    least = rent / full * _MILLION
    yield _figure(
        "wins-above",
        "Above it, dedicated GPUs win",
        "EUR per 1M tokens",
        None,
        (api, least),
        f"the same model by API costs USD 0.40 = EUR {api:.2f} per 1M; the card at full use 2,500 / 394.2M = "
        f"EUR {least:.2f}, {least / api:.0f} times as much. At 150 tokens/s no volume makes it cheaper",
        verdict="does not follow",
    )
    few, many = (nodes * full * Decimal("0.6") / _MILLION for nodes in (5, 10))
    yield _figure(
        "first-quarter",
        "5 to 10 worker nodes typically crosses that threshold",
        "M tokens per month",
        (50, 100),
        (few, many),
        f"5 to 10 cards at 60 % serve {few:,.0f}M to {many:,.0f}M a month: 50M to 100M are crossed within days",
        verdict="follows",
    )


def _meets(rent: Decimal, prices: PriceList, name: str) -> Decimal:
    """Million tokens per month at which a fixed cost per month is that of one price per million."""
    return rent / convert(prices.prices[name].amount, "EUR", prices.rates)


def _crossovers(case: CostCase, prices: PriceList) -> Iterator[Figure]:
    sentence = "between 50 and 100 million tokens per month sustained"
    rent, full = _rent(case), _full(case) / _MILLION
    api = _meets(rent, prices, "mistral-small-api-input")
    yield _figure(
        "crossover-mistral",
        f"{sentence} (against La Plateforme)",
        "M tokens per month",
        (50, 100),
        api,
        f"2,500 / (0.40 / 1.1225) = {api:,.0f}M, {api / full:.0f} times what the card can serve; 50M to 100M would "
        "need an API at EUR 25 to 50 per 1M",
    )
    for name, text in (("claude-sonnet-4-6", "Claude Sonnet 4.6"), ("claude-opus-4-7", "Claude Opus 4.7")):
        read, written = (_meets(rent, prices, f"{name}-{kind}") for kind in ("input", "output"))
        yield _figure(
            f"crossover-{name}",
            f"{sentence} (against {text})",
            "M tokens per month",
            (50, 100),
            (written, read),
            f"2,500 per month against {text}: {written:,.0f}M where all tokens are written, {read:,.0f}M where all "
            f"are read; one card serves {full:.0f}M",
        )


def _gpt_oss(case: CostCase, prices: PriceList) -> Iterator[Figure]:
    at_60 = _rent(case) / (_full(case) * Decimal("0.6")) * _MILLION
    yield _figure(
        "gpt-oss-twice",
        "per-token amortization is roughly 2x Mistral Small",
        "EUR per 1M tokens",
        None,
        None,
        f"no throughput of gpt-oss-120b is given; twice {at_60:.2f} = {2 * at_60:.2f} at the same rent are 75 tokens/s",
        verdict="no inputs given",
    )
    low, high = (_meets(Decimal(rent), prices, "claude-opus-4-7-output") for rent in (1200, 2500))
    read = _meets(Decimal(2500), prices, "claude-opus-4-7-input")
    bought = _meets(Decimal(_CARD) / 36, prices, "claude-opus-4-7-output")
    yield _figure(
        "gpt-oss-crossover",
        "vs. Claude Opus 4.7 sits around 30-50 million tokens per month",
        "M tokens per month",
        (30, 50),
        (low, high),
        f"with a rent of 1,200 to 2,500 and all tokens written (USD 25): {low:.0f}M to {high:.0f}M; all read: "
        f"up to {read:.0f}M. Only a bought card alone, 30,000 / 36 = 833 per month without server, power and people, "
        f"comes to {bought:.0f}M, with all tokens written",
    )


def _amortised(case: CostCase) -> Iterator[Figure]:
    rent = _rent(case)
    yield _figure(
        "amortised",
        "dedicated hardware amortizes within 12-18 months",
        "months",
        (12, 18),
        (_CARD / rent, Decimal(_CARD) / 1500),
        "30,000 / 2,500 = 12; at the lower rent of the table, 30,000 / 1,500 = 20. Power and people left out",
    )
    yield _figure(
        "payback-14",
        "pays back in 14 months under DeepSeek V4-Flash",
        "months",
        14,
        (Decimal(30000) / 1500, Decimal(120000) / 5000),
        "1 card: 30,000 / 1,500 = 20; 4 cards: 120,000 / 5,000 = 24",
    )


def _purchases() -> Iterator[Figure]:
    for name, text, stated, cards in (
        ("v4-pro", "DeepSeek V4-Pro: CAPEX: ~240,000 EUR", (240000, 240000), (8, 8)),
        ("v4-flash", "DeepSeek V4-Flash: CAPEX: ~30,000-120,000 EUR", (30000, 120000), (1, 4)),
        ("r1", "DeepSeek R1: CAPEX: ~120,000-240,000 EUR", (120000, 240000), (4, 8)),
        ("scout", "Llama 4 Scout: CAPEX: ~30,000 EUR", (30000, 30000), (1, 1)),
    ):
        found = (cards[0] * _CARD, cards[1] * _CARD)
        sums = [f"{count} x 30,000 = {count * _CARD:,}" for count in dict.fromkeys(cards)]
        yield _figure(f"capex-{name}", text, "EUR", stated, found, "; ".join(sums))


def _rents(case: CostCase) -> Iterator[Figure]:
    rent = _rent(case)
    for name, text, stated, cards in (
        ("mistral-small", "Mistral Small 3.2: OPEX: ~1,500-2,500 EUR/month", (1500, 2500), (1, 1)),
        ("gpt-oss", "gpt-oss-120b: OPEX: ~1,200-2,500 EUR/month hosted", (1200, 2500), (1, 1)),
        ("v4-flash", "DeepSeek V4-Flash: OPEX: ~1,500-5,000 EUR/month hosted", (1500, 5000), (1, 4)),
        ("v4-pro", "DeepSeek V4-Pro: OPEX: ~10,000-12,000 EUR/month hosted", (10000, 12000), (8, 8)),
        ("r1", "DeepSeek R1: OPEX: ~5,000-10,000 EUR/month hosted", (5000, 10000), (4, 8)),
        ("scout", "Llama 4 Scout: OPEX: ~1,500 EUR/month hosted", (1500, 1500), (1, 1)),
    ):
        found = (cards[0] * rent, cards[1] * rent)
        sums = [f"{count} x 2,500 = {count * rent:,.0f}" for count in dict.fromkeys(cards)]
        each = f"; the lower end is {stated[0] // cards[0]:,} per card" if stated[0] < found[0] else ""
        # One computed number within a stated range explains that range's upper end alone.
        verdict: Verdict | None = "follows in part" if cards[1] == 1 and stated[1] == rent > stated[0] else None
        yield _figure(f"opex-{name}", text, "EUR per month", stated, found, "; ".join(sums) + each, verdict=verdict)


def _consumer_card(prices: PriceList) -> Figure:
    stated = convert(prices.prices["rtx-4090-eur"].amount, "EUR", prices.rates)
    low, high = (convert(prices.prices[f"rtx-4090-{end}"].amount, "EUR", prices.rates) for end in ("low", "high"))
    return _figure(
        "rtx-4090",
        "CAPEX: 1x RTX 4090 ~1,500 EUR",
        "EUR",
        stated,
        (low, high),
        f"the other article has DKK 18,000 to 22,000 = EUR {low:,.0f} to {high:,.0f} for the same card",
    )
