"""Cost cases for the tests, and hypothesis' ways to make them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from provision.models.money import CURRENCIES, Money
from provision.models.tco import CostCase, CostOption

RATES = {"DKK": Decimal("7.46038"), "USD": Decimal("1.1225")}

amounts = st.decimals("0.01", "1000000", places=2)
currencies = st.sampled_from(CURRENCIES)
moneys = st.builds(Money, amount=amounts, currency=currencies)
counts = st.integers(1, 200)


def make_case(*options: dict[str, Any], **changes: Any) -> CostCase:
    """A case in EUR over three years."""
    named = [{"name": f"option-{number}"} | option for number, option in enumerate(options)]
    return CostCase.model_validate(
        {"version": 1, "name": "test", "currency": "EUR", "rates": RATES, "options": named} | changes
    )


owned = st.fixed_dictionaries(
    {
        "purchase": st.fixed_dictionaries(
            {
                "price": moneys,
                "life_years": st.none() | st.integers(1, 8),
                "resale_share": st.sampled_from(["0", "0.2"]),
            }
        ),
        "electricity": st.fixed_dictionaries(
            {"load_w": st.integers(100, 3000), "load_hours_per_month": st.integers(0, 730), "price_per_kwh": moneys}
        ),
        "operations": st.fixed_dictionaries({"hours_per_month": st.integers(0, 100), "per_hour": moneys}),
    }
)
rented = st.fixed_dictionaries(
    {
        "rent": st.fixed_dictionaries(
            {"price": moneys, "per": st.sampled_from(["hour", "month"]), "term_months": st.integers(1, 40)}
        ),
        "capacity": st.fixed_dictionaries({"tokens_per_second": st.integers(5, 500)}),
    }
)
by_seat = st.fixed_dictionaries({"seats": st.fixed_dictionaries({"count": counts, "price": moneys})})
by_token = st.fixed_dictionaries({"tokens": st.fixed_dictionaries({"input": moneys, "output": moneys})})
any_option = st.one_of(owned, rented, by_seat, by_token)
cases = st.builds(
    lambda first, second, years, tokens, share: make_case(
        first, second, years=years, load={"tokens_per_month": tokens * 10**6, "output_share": share}
    ),
    any_option,
    any_option,
    st.integers(1, 6),
    st.integers(1, 2000),
    st.sampled_from(["0", "0.25", "1"]),
)


def first(case: CostCase) -> CostOption:
    return case.options[0]
