"""The whole answer: costs, curves, crossovers, and what each input does."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

from provision.models.money import Money, settle
from provision.models.tco import (
    CostCase,
    CostOption,
    CostReport,
    Effect,
    OptionCost,
    PartCost,
    PriceUse,
    TokenCrossing,
)
from provision.tco.cost import (
    Part,
    Payments,
    book_value,
    count_machines,
    list_payments,
    load_hours,
    local_tokens,
    machine_tokens,
)
from provision.tco.crossover import cross_in_months, cross_in_tokens, depends_on_tokens, list_steps, monthly_cost
from provision.tco.inputs import Number, Path, change, give_range, list_inputs, usual_range

_ZERO = Decimal(0)
_PARTS: tuple[Part, ...] = ("purchase", "electricity", "operations", "rent", "seats", "tokens", "resale")
_CURVE_STEPS = 8
"""Steps from one machine to the next that a curve over tokens shows at most."""


def build_report(
    case: CostCase, *, against: str | None = None, prices: Sequence[PriceUse] = (), notes: Sequence[str] = ()
) -> CostReport:
    """The first option is the subject. `against`: the option that it is held against; the cheapest other one where
    left out. The case has passed `check_case`."""
    options = tuple(cost_option(case, option) for option in case.options)
    others = sorted(options[1:], key=lambda one: one.total)
    rival = against or (others[0].name if others else None)
    crossings = cross_in_tokens(case)
    subject = options[0]
    totals = {one.name: one.total for one in options}
    return CostReport(
        case=case.name,
        description=case.description,
        currency=case.currency,
        years=case.years,
        rates=case.rates,
        load=case.load,
        options=options,
        cheapest=min(options, key=lambda one: one.total).name,
        month_crossings=cross_in_months(case),
        token_crossings=crossings,
        token_curves=_token_curves(case, crossings),
        subject=subject.name,
        against=rival,
        saving=settle(totals[rival] - subject.total) if rival else None,
        effects=rank_effects(case, subject.name, rival) if rival else (),
        prices=tuple(prices),
        notes=(*notes, *_notes(case, options)),
    )


def cost_option(case: CostCase, option: CostOption) -> OptionCost:
    payments = list_payments(case, option)
    tokens = case.load.tokens_per_month
    full = machine_tokens(option)
    machines = count_machines(option, tokens or _ZERO)
    serves_all = tokens is not None and depends_on_tokens(option)
    return OptionCost(
        name=option.name,
        parts=_parts(payments),
        years=tuple(_year(payments, year) for year in range(case.years)),
        total=settle(payments.total),
        per_month=settle(payments.total / payments.months),
        curve=draw_curve(payments),
        book_value=settle(book_value(case, option)),
        machines=machines,
        capacity_tokens=settle(full) if full else None,
        utilisation=settle(local_tokens(option, tokens) / (full * machines)) if full and tokens is not None else None,
        per_million_tokens=settle(payments.total / payments.months / tokens * 10**6) if tokens and serves_all else None,
    )


def draw_curve(payments: Payments) -> tuple[Decimal, ...]:
    """Paid until the end of each month, month 0 being the first day."""
    steps = (payments.due_at(month) + (payments.running if month else _ZERO) for month in range(payments.months + 1))
    return tuple(settle(paid) for paid in accumulate(steps))


def _parts(payments: Payments) -> tuple[PartCost, ...]:
    years = payments.months // 12
    found = []
    for part in _PARTS:
        costs = tuple(_year(payments, year, part) for year in range(years))
        if any(costs):
            found.append(PartCost(part=part, years=costs, total=settle(sum(costs, _ZERO))))
    return tuple(found)


def _year(payments: Payments, year: int, part: Part | None = None) -> Decimal:
    """What falls due on the last day of the horizon belongs to its last year."""
    last = payments.months // 12 - 1
    running = payments.running if part is None else payments.monthly.get(part, _ZERO)
    due = (amount for month, kind, amount in payments.due if min(month // 12, last) == year and part in (None, kind))
    return settle(running * 12 + sum(due, _ZERO))


def rank_effects(case: CostCase, subject: str, rival: str) -> tuple[Effect, ...]:
    """Every input that changes the saving of `subject` against `rival`, the strongest first."""
    ranges = {one.input: one for one in case.ranges}
    found = []
    for path, number in list_inputs(case, frozenset((subject, rival))):
        name = ".".join(path)
        if path[-1] == "share" and number == 1:
            continue  # the rest would have to be served by a machine that the option does not have
        given = ranges.get(name)
        low, high = give_range(case, given) if given else usual_range(case, path)
        effect = Effect(
            input=name,
            low=_show(low),
            high=_show(high),
            at_low=_saving(case, path, low, subject, rival),
            at_high=_saving(case, path, high, subject, rival),
            given=given is not None,
        )
        if number and effect.at_low != effect.at_high:
            found.append(effect)
    return tuple(sorted(found, key=lambda one: (-abs(one.at_high - one.at_low), one.input)))


def _saving(case: CostCase, path: Path, number: Number, subject: str, rival: str) -> Decimal:
    changed = change(case, path, number)
    total = {one.name: list_payments(changed, one).total for one in changed.options if one.name in (subject, rival)}
    return settle(total[rival] - total[subject])


def _show(number: Number) -> str:
    if isinstance(number, Money):
        return f"{number.amount.normalize():,f} {number.currency}"
    return f"{number.normalize():,f}" if isinstance(number, Decimal) else f"{number:,}"


def _token_curves(
    case: CostCase, crossings: tuple[TokenCrossing, ...]
) -> dict[str, tuple[tuple[Decimal, Decimal], ...]]:
    """Straight pieces; where one more machine is needed there are two points at the same tokens."""
    concerned = [option for option in case.options if depends_on_tokens(option)]
    if not concerned:
        return {}
    wanted = [one.tokens_per_month for one in crossings[:3]]
    fulls = [step for option in concerned for step in list_steps(option)[:1]]
    end = max([*wanted, *fulls, case.load.tokens_per_month or _ZERO, Decimal(10**6)]) * Decimal("1.2")
    if fulls:
        end = min(end, max(max(fulls) * _CURVE_STEPS, (case.load.tokens_per_month or _ZERO) * Decimal("1.2")))
    return {option.name: _token_curve(case, option, end) for option in case.options}


def _token_curve(case: CostCase, option: CostOption, end: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
    steps = [step for step in list_steps(option) if step < end]
    points = []
    for start, stop in zip([_ZERO, *steps], [*steps, end], strict=True):
        machines = count_machines(option, stop)
        points += [(settle(tokens), settle(monthly_cost(case, option, tokens, machines))) for tokens in (start, stop)]
    return tuple(points)


def _notes(case: CostCase, options: tuple[OptionCost, ...]) -> list[str]:
    """What a reader of the sums would otherwise not see."""
    notes = []
    for option, cost in zip(case.options, options, strict=True):
        if cost.machines > 1:
            notes.append(f"{option.name}: the load needs {cost.machines} machines")
        hours = option.electricity.load_hours_per_month if option.electricity else None
        if hours is None and option.electricity and option.electricity.load_w and option.capacity:
            working = load_hours(option, case.load.tokens_per_month or _ZERO)
            notes.append(f"{option.name}: {working:.0f} hours of work per month follow from tokens and capacity")
        if cost.book_value:
            notes.append(
                f"{option.name}: at the end the purchase still stands at {cost.book_value:,.0f} {case.currency}"
            )
    return notes
