"""A crossover is where the curves meet, and nowhere else."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given, settings

from provision.models.tco import CostCase
from provision.tco.cost import Payments, list_payments
from provision.tco.crossover import cross_in_months, cross_in_tokens, monthly_cost
from provision.tco.report import build_report
from tests.unit.tco.cases import cases, make_case

D = Decimal


def _paid(payments: Payments, month: Decimal, *, with_due: bool) -> Decimal:
    """Paid at a point in time, with or without what falls due at that very moment."""
    due = sum((amount for when, _, amount in payments.due if when < month or (with_due and when == month)), D(0))
    return due + payments.running * month


@settings(max_examples=50, deadline=None)
@given(cases)
def test_months_the_curves_meet_where_the_crossing_says(case: CostCase) -> None:
    paid = {option.name: list_payments(case, option) for option in case.options}
    for one in cross_in_months(case):
        a, b = paid[one.cheaper_after], paid[one.dearer_after]
        if one.jump:
            assert _paid(a, one.month, with_due=False) >= _paid(b, one.month, with_due=False)
            assert _paid(a, one.month, with_due=True) <= _paid(b, one.month, with_due=True)
        else:
            wide = D("0.0002") * (a.running + b.running + 1)
            before = _paid(a, one.month, with_due=False) - _paid(b, one.month, with_due=False)
            after = _paid(a, one.month, with_due=True) - _paid(b, one.month, with_due=True)
            assert min(abs(before), abs(after)) <= wide
            assert abs(one.paid - _paid(a, one.month, with_due=before != after and abs(after) < abs(before))) <= wide


@settings(max_examples=50, deadline=None)
@given(cases)
def test_months_between_two_crossings_the_cheaper_one_stays_cheaper(case: CostCase) -> None:
    paid = {option.name: list_payments(case, option) for option in case.options}
    found = [*cross_in_months(case)]
    ends = [*(one.month for one in found), D(case.years * 12)][1:]
    for one, end in zip(found, ends, strict=True):
        middle = (one.month + end) / 2
        assume(end - one.month > D("0.01"))
        gap = _paid(paid[one.cheaper_after], middle, with_due=True) - _paid(
            paid[one.dearer_after], middle, with_due=True
        )
        assert gap <= D("0.001")


@settings(max_examples=50, deadline=None)
@given(cases)
def test_tokens_both_cost_the_same_where_the_crossing_says(case: CostCase) -> None:
    by_name = {option.name: option for option in case.options}
    for one in cross_in_tokens(case):
        a, b = by_name[one.cheaper_above], by_name[one.dearer_above]
        if one.jump:
            little = one.tokens_per_month * D("1e-9")
            above = one.tokens_per_month + little
            assert monthly_cost(case, a, above) <= monthly_cost(case, b, above) + D("0.001")
        else:
            costs = [monthly_cost(case, option, one.tokens_per_month) for option in (a, b)]
            assert abs(costs[0] - costs[1]) <= D("0.001") + abs(costs[0]) * D("1e-6")


def test_a_purchase_against_a_rent_by_hand() -> None:
    case = make_case({"purchase": {"price": "1200 EUR"}}, {"rent": {"price": "100 EUR", "per": "month"}})
    (one,) = cross_in_months(case)
    assert (one.cheaper_after, one.month, one.paid, one.jump) == ("option-0", D(12), D(1200), False)


def test_a_replacement_steps_over_the_other_curve() -> None:
    case = make_case(
        {"purchase": {"price": "1200 EUR", "life_years": 2}}, {"rent": {"price": "70 EUR", "per": "month"}}
    )
    found = [(one.cheaper_after, one.jump, round(one.month, 2)) for one in cross_in_months(case)]
    assert found == [("option-0", False, D("17.14")), ("option-1", True, 24), ("option-0", False, D("34.29"))]


def test_a_card_against_tokens_by_hand() -> None:
    load = {"tokens_per_month": "1M", "output_share": "0"}
    card = {"rent": {"price": "100 EUR", "per": "month"}, "capacity": {"tokens_per_second": 100}}
    case = make_case(card, {"tokens": {"input": "2 EUR", "output": "2 EUR"}}, load=load)
    first = cross_in_tokens(case)[0]
    assert (first.cheaper_above, first.tokens_per_month, first.per_month) == ("option-0", D(50_000_000), D(100))


def test_a_card_that_is_dearer_per_token_at_full_use_never_wins() -> None:
    load = {"tokens_per_month": "1M", "output_share": "0"}
    card = {"rent": {"price": "100 EUR", "per": "month"}, "capacity": {"tokens_per_second": 1}}
    case = make_case(card, {"tokens": {"input": "2 EUR", "output": "2 EUR"}}, load=load)
    assert cross_in_tokens(case) == ()


def test_the_strongest_input_comes_first_and_the_given_range_is_used() -> None:
    case = make_case(
        {"purchase": {"price": "1000 EUR"}, "operations": {"per_year": "10 EUR"}},
        {"seats": {"count": 10, "price": "1 EUR"}},
        ranges=[{"input": "option-0.purchase.price", "low": "500 EUR", "high": "2000 EUR"}],
    )
    report = build_report(case)
    assert report.effects[0].input == "option-0.purchase.price"
    assert (report.effects[0].at_low, report.effects[0].at_high) == (D(360 - 530), D(360 - 2030))
    seats = next(effect for effect in report.effects if effect.input == "option-1.seats.count")
    assert (seats.low, seats.high, seats.given) == ("8", "12", False)
