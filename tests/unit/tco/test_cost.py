"""What an option costs: by hand where a person can follow it, by property where hypothesis looks for trouble."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from provision.models.money import CURRENCIES, Currency, Money, settle
from provision.models.tco import CostCase, Rates
from provision.tco.cost import count_machines, list_payments
from provision.tco.inputs import change, list_inputs
from provision.tco.rates import convert
from provision.tco.report import cost_option
from tests.unit.tco.cases import RATES, cases, first, make_case, moneys

D = Decimal
CENT = D("0.01")
_NO_PRICES = {"life_years", "resale_share", "tokens_per_second", "term_months", "share", "max_utilisation"}


def _total(case: CostCase) -> Decimal:
    return cost_option(case, first(case)).total


def test_electricity_is_watts_at_work_and_idle_by_the_price_of_a_kwh() -> None:
    power = {"load_w": 700, "idle_w": 100, "load_hours_per_month": 230, "price_per_kwh": "0.20 EUR"}
    assert _total(make_case({"electricity": power})) == (700 * 230 + 100 * 500) * 36 * D("0.0002")


def test_hours_at_work_follow_from_the_tokens() -> None:
    power = {"load_w": 1000, "price_per_kwh": "1 EUR"}
    case = make_case(
        {"electricity": power, "capacity": {"tokens_per_second": 100}}, load={"tokens_per_month": 100 * 3600 * 50}
    )
    assert _total(case) == 50 * 36


def test_a_machine_is_bought_anew_when_its_life_ends_and_what_it_brings_comes_back() -> None:
    bought = {"purchase": {"price": "1000 EUR", "life_years": 2, "resale_share": "0.1"}}
    costs = cost_option(make_case(bought, years=5), first(make_case(bought, years=5)))
    assert costs.years == tuple(map(D, (1000, 0, 900, 0, 1000 - 100 - 100)))
    assert costs.total == 3 * 1000 - 3 * 100


def test_equal_parts_are_written_off_and_the_rest_is_the_book_value() -> None:
    case = make_case({"purchase": {"price": "1000 EUR", "life_years": 4}})
    assert cost_option(case, first(case)).book_value == 250


def test_without_a_life_the_purchase_is_written_off_over_the_horizon() -> None:
    case = make_case({"purchase": {"price": "1000 EUR"}})
    assert cost_option(case, first(case)).book_value == 0


def test_an_hour_a_month_and_a_reserved_term() -> None:
    hour = make_case({"rent": {"price": "2 EUR", "per": "hour", "hours_per_month": 200}})
    month = make_case({"rent": {"price": "400 EUR", "per": "month", "setup": "50 EUR"}})
    reserved = make_case({"rent": {"price": "400 EUR", "per": "month", "term_months": 24}})
    assert _total(hour) == 2 * 200 * 36
    assert _total(month) == 400 * 36 + 50
    assert _total(reserved) == 400 * 48, "the second term of 24 months is paid to its end"


def test_tokens_read_and_written_have_their_own_prices() -> None:
    case = make_case(
        {"tokens": {"input": "1 EUR", "output": "5 EUR"}}, load={"tokens_per_month": "10M", "output_share": "0.2"}
    )
    assert _total(case) == (8 * 1 + 2 * 5) * 36
    assert cost_option(case, first(case)).per_million_tokens == D("1.8")


def test_more_tokens_than_one_machine_serves_need_another() -> None:
    case = make_case({"rent": {"price": "100 EUR", "per": "month"}, "capacity": {"tokens_per_second": 10}})
    full = 10 * 3600 * 730
    assert [count_machines(first(case), D(tokens)) for tokens in (0, full, full + 1, 3 * full)] == [1, 1, 2, 3]


def test_a_hybrid_pays_by_the_token_for_its_share_only() -> None:
    hybrid = {
        "rent": {"price": "100 EUR", "per": "month"},
        "capacity": {"tokens_per_second": 10},
        "tokens": {"input": "1 EUR", "output": "1 EUR", "share": "0.25"},
    }
    case = make_case(hybrid, load={"tokens_per_month": "20M", "output_share": "0"})
    assert _total(case) == (100 + 5) * 36
    assert cost_option(case, first(case)).utilisation == settle(D(15_000_000) / (10 * 3600 * 730))


@settings(max_examples=50, deadline=None)
@given(cases)
def test_years_parts_and_the_end_of_the_curve_make_the_total(case: CostCase) -> None:
    for option in case.options:
        costs = cost_option(case, option)
        assert abs(sum(costs.years) - costs.total) <= CENT
        assert abs(sum(part.total for part in costs.parts) - costs.total) <= CENT
        assert costs.curve[-1] == costs.total


@settings(max_examples=50, deadline=None)
@given(cases, st.data())
def test_a_cost_never_falls_when_a_price_an_hour_or_a_watt_rises(case: CostCase, data: st.DataObject) -> None:
    """Lives and the resale of what was bought are no prices: a longer life costs less."""
    inputs = [
        (path, number)
        for path, number in list_inputs(case, frozenset({first(case).name}))
        if path[0] not in ("rates", "load") and path[-1] not in _NO_PRICES
    ]
    path, number = data.draw(st.sampled_from(inputs))
    factor = data.draw(st.decimals("1", "10", places=2))
    more = (
        number.model_copy(update={"amount": number.amount * factor})
        if isinstance(number, Money)
        else type(number)(number * factor)
    )
    if path[-1] in ("hours_per_month", "load_hours_per_month"):
        more = min(more, D(730)) if not isinstance(more, Money) else more
    changed = change(case, path, more)
    assert list_payments(changed, first(changed)).total >= list_payments(case, first(case)).total


@given(moneys, st.sampled_from(CURRENCIES), st.decimals("0.01", "500", places=4), st.decimals("0.01", "500", places=4))
def test_currencies_round_trip(money: Money, other: Currency, krone: Decimal, dollar: Decimal) -> None:
    rates = Rates(DKK=krone, USD=dollar)
    there = Money(amount=convert(money, other, rates), currency=other)
    assert settle(convert(there, money.currency, rates)) == settle(money.amount)


def test_the_rate_is_units_for_one_euro() -> None:
    rates = Rates.model_validate(RATES)
    assert convert(Money(amount=D(100), currency="EUR"), "DKK", rates) == D("746.038")
    assert settle(convert(Money(amount=D("1.1225"), currency="USD"), "DKK", rates)) == D("7.4604")
