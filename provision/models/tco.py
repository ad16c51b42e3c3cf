"""What a cost comparison is asked: options, each the sum of its parts, and the load that they carry.

Amounts carry their currency. Watts, hours per month (730 of them), tokens per month, shares from 0 to 1.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from provision.models.base import Frozen
from provision.models.money import Amount, Currency, TokenCount

HOURS_PER_MONTH = Decimal(730)
"""8760 hours of a year / 12."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Share = Annotated[Decimal, Field(ge=0, le=1)]
Watt = Annotated[Decimal, Field(ge=0, le=1_000_000)]
Hours = Annotated[Decimal, Field(ge=0, le=730)]


class Purchase(Frozen):
    """`life_years`: bought anew after that time, and written off over it in equal parts; None: over the whole
    horizon. `resale_share`: what of the price comes back at the end of a life and of the horizon."""

    price: Amount
    life_years: Annotated[int, Field(ge=1, le=30)] | None = None
    resale_share: Share = Decimal(0)


class Electricity(Frozen):
    """Either `per_year`, or watts, hours and the price of a kWh. Without `load_hours_per_month` the hours follow from
    the tokens and the option's capacity."""

    per_year: Amount | None = None
    load_w: Watt | None = None
    idle_w: Watt = Decimal(0)
    load_hours_per_month: Hours | None = None
    price_per_kwh: Amount | None = None


class Operations(Frozen):
    """Either `per_year`, or hours and what one costs."""

    per_year: Amount | None = None
    hours_per_month: Hours | None = None
    per_hour: Amount | None = None


class Rent(Frozen):
    """A rented machine. By the hour: `hours_per_month` of them are paid. `term_months`: reserved, so that whole terms
    are paid even where the horizon ends within one. `setup` is paid once."""

    price: Amount
    per: Literal["hour", "month"]
    hours_per_month: Hours = HOURS_PER_MONTH
    term_months: Annotated[int, Field(ge=1, le=120)] = 1
    setup: Amount | None = None


class Seats(Frozen):
    """`price` per seat and month."""

    count: Annotated[int, Field(ge=1, le=1_000_000)]
    price: Amount


class TokenPrice(Frozen):
    """Per million tokens. `share`: the part of the month's tokens that is paid so; a hybrid serves the rest itself."""

    input: Amount
    output: Amount
    share: Share = Decimal(1)


class Capacity(Frozen):
    """What one machine serves, all users together. More tokens than `max_utilisation` of it need another machine."""

    tokens_per_second: Annotated[Decimal, Field(gt=0, le=10_000_000)]
    max_utilisation: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)


class CostOption(Frozen):
    """One way to get the work done: the sum of the parts that are given."""

    name: Name
    purchase: Purchase | None = None
    electricity: Electricity | None = None
    operations: Operations | None = None
    rent: Rent | None = None
    seats: Seats | None = None
    tokens: TokenPrice | None = None
    capacity: Capacity | None = None


class Load(Frozen):
    """`tokens_per_month` counts input and output; `output_share` is the part that is written."""

    tokens_per_month: TokenCount | None = None
    output_share: Share | None = None


class Rates(Frozen):
    """Units of each currency for one EUR."""

    DKK: Annotated[Decimal, Field(gt=0, le=10**6)]
    USD: Annotated[Decimal, Field(gt=0, le=10**6)]
    source: str = "given with the case"
    date: datetime.date | None = None


class Range(Frozen):
    """From where to where an input is varied, instead of 20 % down and up: 'self-hosted.purchase.price'."""

    input: Annotated[str, Field(max_length=120)]
    low: str | int | Decimal
    high: str | int | Decimal


class CostCase(Frozen):
    version: Literal[1]
    name: Name
    description: Annotated[str, Field(max_length=300)] = ""
    currency: Currency
    years: Annotated[int, Field(ge=1, le=15)] = 3
    rates: Rates
    load: Load = Load()
    options: Annotated[tuple[CostOption, ...], Field(min_length=1, max_length=6)]
    ranges: Annotated[tuple[Range, ...], Field(max_length=60)] = ()


class ListPrice(Frozen):
    """One known price. `article`: the seed article's own assumption; `max_age_days`: when it is old."""

    amount: Amount
    unit: str
    what: str
    kind: Literal["vendor", "third party", "article"]
    source: str
    date: datetime.date
    max_age_days: int = 90


class PriceList(Frozen):
    rates: Rates
    rates_max_age_days: int
    prices: dict[str, ListPrice]


class PriceUse(Frozen):
    """A list price, or the exchange rates, that a report rests on."""

    name: str
    text: str
    kind: str
    source: str
    date: datetime.date | None
    old: bool
    """Older than its kind allows on the day of the report."""


class PartCost(Frozen):
    """One part of an option, in the report's currency: each year's, and their sum."""

    part: Literal["purchase", "electricity", "operations", "rent", "seats", "tokens", "resale"]
    years: tuple[Decimal, ...]
    total: Decimal


class OptionCost(Frozen):
    """`curve[m]` is what was paid until the end of month m, `curve[0]` what is paid on the first day."""

    name: str
    parts: tuple[PartCost, ...]
    years: tuple[Decimal, ...]
    total: Decimal
    per_month: Decimal
    curve: tuple[Decimal, ...]
    book_value: Decimal
    """What the last purchase is still worth by equal yearly parts at the end, before any resale."""
    machines: int
    capacity_tokens: Decimal | None
    """Tokens that one machine can serve in a month at full use."""
    utilisation: Decimal | None
    per_million_tokens: Decimal | None


class MonthCrossing(Frozen):
    """Where two cumulative curves meet: before, `dearer_after` had cost less."""

    cheaper_after: str
    dearer_after: str
    month: Decimal
    paid: Decimal
    jump: bool
    """The curves do not touch: one steps over the other, where something is bought."""


class TokenCrossing(Frozen):
    """Where two options cost the same per month: above, `cheaper_above` costs less."""

    cheaper_above: str
    dearer_above: str
    tokens_per_month: Decimal
    per_month: Decimal
    jump: bool
    machines: int
    """Of `cheaper_above` there: more than one where a single machine cannot serve so much."""


class Effect(Frozen):
    """What one input does: the saving of `subject` against `against` with the input at its low and its high value."""

    input: str
    low: str
    high: str
    at_low: Decimal
    at_high: Decimal
    given: bool
    """The range was given with the case; else it is 20 % down and up."""


class CostReport(Frozen):
    case: str
    description: str
    currency: Currency
    years: int
    rates: Rates
    load: Load
    options: tuple[OptionCost, ...]
    cheapest: str
    month_crossings: tuple[MonthCrossing, ...]
    token_crossings: tuple[TokenCrossing, ...]
    token_curves: dict[str, tuple[tuple[Decimal, Decimal], ...]]
    """Cost per month over tokens per month, by option; empty where no option depends on tokens."""
    subject: str
    against: str | None
    saving: Decimal | None
    effects: tuple[Effect, ...]
    prices: tuple[PriceUse, ...]
    notes: tuple[str, ...]
