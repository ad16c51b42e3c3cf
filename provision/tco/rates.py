"""Amounts in another currency, through the euro."""

from __future__ import annotations

from decimal import Decimal

from provision.models.money import Currency, Money
from provision.models.tco import Rates


def units_per_euro(rates: Rates, currency: Currency) -> Decimal:
    return Decimal(1) if currency == "EUR" else rates.DKK if currency == "DKK" else rates.USD


def convert(money: Money, to: Currency, rates: Rates) -> Decimal:
    """The amount in `to`. The same currency is never touched; others keep 28 digits, so that cents survive a return."""
    if money.currency == to:
        return money.amount
    return money.amount * units_per_euro(rates, to) / units_per_euro(rates, money.currency)
