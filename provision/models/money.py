"""Amounts of money: decimal, each with its currency, written "2500 EUR"; and counts of tokens, written "50M".

Sums are never rounded on the way. A report's amounts are rounded half up to a hundredth of a cent, and what a person
reads to whole units from 100 on and to cents below.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from provision.models.base import Frozen

Currency = Literal["DKK", "EUR", "USD"]
CURRENCIES: tuple[Currency, ...] = get_args(Currency)

_AMOUNT = re.compile(r"^\s*(-?)(\d{1,12}(?:\.\d{1,8})?)\s*([A-Za-z]{3})\s*$", re.ASCII)
_TOKENS = re.compile(r"^\s*(\d{1,15}(?:\.\d{1,6})?)\s*([kMG]?)\s*$", re.ASCII)
_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_CENT, _WHOLE, _REPORTED = Decimal("0.01"), Decimal(1), Decimal("0.0001")


class Money(Frozen):
    amount: Decimal
    currency: Currency

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


def parse_money(value: object) -> Money:
    """'2500 EUR' → Money. Raises ValueError for what has no known currency, and for less than nothing."""
    if isinstance(value, Money):
        return value
    match = _AMOUNT.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("which is not an amount of money; write a number and a currency, for example 2500 EUR")
    currency = next((known for known in CURRENCIES if known == match[3].upper()), None)
    if currency is None:
        raise ValueError(f"which is in an unknown currency; write one of {', '.join(CURRENCIES)}")
    if match[1]:
        raise ValueError("which is negative; write what it costs, 0 or more")
    return Money(amount=Decimal(match[2]), currency=currency)


def parse_token_count(value: object) -> Decimal:
    """50000000, '50M' → 50000000. Raises ValueError otherwise."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    match = _TOKENS.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("which is not a number of tokens; write for example 50M")
    return Decimal(match[1]) * _FACTORS[match[2]]


def settle(number: Decimal) -> Decimal:
    """A report's form of a result: half up to four decimals, zeros left out."""
    return number.quantize(_REPORTED, ROUND_HALF_UP).normalize() + 0


def round_money(amount: Decimal) -> Decimal:
    """Half up, to whole units from 100 on and where it is nothing, else to cents."""
    return amount.quantize(_WHOLE if abs(amount) >= 100 or not amount else _CENT, ROUND_HALF_UP)


def show_money(amount: Decimal, currency: str) -> str:
    """Decimal('116100') in DKK → 'DKK 116,100'; Decimal('10.716') in EUR → 'EUR 10.72'."""
    return f"{currency} {round_money(amount):,}"


Amount = Annotated[
    Money,
    BeforeValidator(parse_money),
    WithJsonSchema({"type": "string", "examples": ["2500 EUR", "list:scaleway-h100-hour"]}),
]
TokenCount = Annotated[Decimal, BeforeValidator(parse_token_count), Field(gt=0, le=10**15)]
