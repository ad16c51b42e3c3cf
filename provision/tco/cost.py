"""One option's payments: what it costs each month, and what falls due at once.

A month has 730 hours. Machines are bought and rented in whole numbers, as many as the tokens need; the hours of
operations are those of the case, however many machines there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Literal, NamedTuple

from provision.models.money import Money
from provision.models.tco import HOURS_PER_MONTH, CostCase, CostOption
from provision.tco.rates import convert

Part = Literal["purchase", "electricity", "operations", "rent", "seats", "tokens", "resale"]
_SECONDS_PER_HOUR = 3600
_MILLION = Decimal(10**6)
_ZERO = Decimal(0)


class Payments(NamedTuple):
    """In the case's currency. `monthly`: each part's cost of every month; `due`: (month, part, amount), where month 0
    is the first day and the last month the end of the horizon."""

    months: int
    monthly: Mapping[Part, Decimal]
    due: tuple[tuple[int, Part, Decimal], ...]

    @property
    def running(self) -> Decimal:
        return sum(self.monthly.values(), _ZERO)

    @property
    def total(self) -> Decimal:
        return self.running * self.months + sum((amount for _, _, amount in self.due), _ZERO)

    def due_at(self, month: int) -> Decimal:
        return sum((amount for when, _, amount in self.due if when == month), _ZERO)


def local_tokens(option: CostOption, tokens: Decimal) -> Decimal:
    """Of a month's tokens those that the option's own machines serve; the rest is paid per token."""
    return tokens * (1 - option.tokens.share) if option.tokens else tokens


def machine_tokens(option: CostOption) -> Decimal | None:
    """What one machine serves in a month at full use; None where the option does not say."""
    if option.capacity is None:
        return None
    return option.capacity.tokens_per_second * _SECONDS_PER_HOUR * HOURS_PER_MONTH


def count_machines(option: CostOption, tokens: Decimal) -> int:
    """At least one, even where it stands idle."""
    full = machine_tokens(option)
    if full is None or option.capacity is None:
        return 1
    needed = local_tokens(option, tokens) / (full * option.capacity.max_utilisation)
    return max(1, int(needed.to_integral_value(ROUND_CEILING)))


def list_payments(
    case: CostCase, option: CostOption, *, tokens: Decimal | None = None, machines: int | None = None
) -> Payments:
    """Everything that is paid over the horizon. `tokens` per month: the case's load where left out; `machines`: as
    many as they need."""
    load = tokens if tokens is not None else case.load.tokens_per_month or _ZERO
    count = machines if machines is not None else count_machines(option, load)
    months = case.years * 12
    return Payments(
        months, _monthly(case, option, load, count), (*_bought(case, option, count), *_committed(case, option, count))
    )


def _monthly(case: CostCase, option: CostOption, tokens: Decimal, machines: int) -> dict[Part, Decimal]:
    parts: dict[Part, Decimal] = {
        "electricity": _electricity(case, option, tokens, machines),
        "operations": _operations(case, option),
        "rent": _rent(case, option) * machines,
        "seats": _in(case, option.seats.price) * option.seats.count if option.seats else _ZERO,
        "tokens": _per_token(case, option) * tokens,
    }
    return {part: amount for part, amount in parts.items() if amount}


def _electricity(case: CostCase, option: CostOption, tokens: Decimal, machines: int) -> Decimal:
    power = option.electricity
    if power is None:
        return _ZERO
    if power.per_year is not None:
        return _in(case, power.per_year) / 12 * machines
    hours = power.load_hours_per_month
    if hours is None:
        hours = load_hours(option, tokens) / machines
    watt_hours = (power.load_w or _ZERO) * hours + power.idle_w * (HOURS_PER_MONTH - hours)
    return _in(case, power.price_per_kwh) * watt_hours / 1000 * machines


def load_hours(option: CostOption, tokens: Decimal) -> Decimal:
    """Hours per month that a machine works on so many tokens, all machines together."""
    if option.capacity is None:
        return _ZERO
    return local_tokens(option, tokens) / (option.capacity.tokens_per_second * _SECONDS_PER_HOUR)


def _operations(case: CostCase, option: CostOption) -> Decimal:
    work = option.operations
    if work is None:
        return _ZERO
    if work.per_year is not None:
        return _in(case, work.per_year) / 12
    return _in(case, work.per_hour) * (work.hours_per_month or _ZERO)


def _rent(case: CostCase, option: CostOption) -> Decimal:
    rent = option.rent
    if rent is None:
        return _ZERO
    return _in(case, rent.price) * (rent.hours_per_month if rent.per == "hour" else 1)


def _per_token(case: CostCase, option: CostOption) -> Decimal:
    """Of one token of the load, whoever serves it."""
    if option.tokens is None:
        return _ZERO
    written = case.load.output_share or _ZERO
    blend = _in(case, option.tokens.input) * (1 - written) + _in(case, option.tokens.output) * written
    return blend * option.tokens.share / _MILLION


def _bought(case: CostCase, option: CostOption, machines: int) -> list[tuple[int, Part, Decimal]]:
    """On the first day and whenever a life ends within the horizon; the old machine's resale comes back then."""
    bought = option.purchase
    if bought is None:
        return []
    months = case.years * 12
    life = bought.life_years * 12 if bought.life_years else months
    price = _in(case, bought.price) * machines
    due: list[tuple[int, Part, Decimal]] = [(month, "purchase", price) for month in range(0, months, life)]
    if bought.resale_share:
        sold = [*range(life, months, life), months]
        due += [(month, "resale", -price * bought.resale_share) for month in sold]
    return due


def _committed(case: CostCase, option: CostOption, machines: int) -> list[tuple[int, Part, Decimal]]:
    """What a rent costs at once, and the months of its last term that lie beyond the horizon."""
    rent = option.rent
    if rent is None:
        return []
    months = case.years * 12
    due: list[tuple[int, Part, Decimal]] = []
    if rent.setup is not None:
        due.append((0, "rent", _in(case, rent.setup) * machines))
    beyond = -months % rent.term_months
    if beyond:
        due.append((months, "rent", _rent(case, option) * machines * beyond))
    return due


def book_value(case: CostCase, option: CostOption) -> Decimal:
    """What the last purchase is worth at the end in equal monthly parts; 0 where it is sold then."""
    bought = option.purchase
    if bought is None or bought.resale_share or bought.life_years is None:
        return _ZERO
    months, life = case.years * 12, bought.life_years * 12
    used = months % life or life
    price = _in(case, bought.price) * count_machines(option, case.load.tokens_per_month or _ZERO)
    return price * (life - used) / life


def _in(case: CostCase, money: Money | None) -> Decimal:
    return convert(money, case.currency, case.rates) if money is not None else _ZERO
