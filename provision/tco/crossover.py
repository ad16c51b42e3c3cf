"""Where two options cost the same: in months (paid so far), and in tokens per month (over the whole horizon)."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations, pairwise

from provision.models.money import settle
from provision.models.tco import CostCase, CostOption, MonthCrossing, TokenCrossing
from provision.tco.cost import Payments, count_machines, list_payments, local_tokens, machine_tokens

MAX_MACHINES = 40
"""As far as the search for a crossover in tokens goes: options that need more than this many machines."""
_ZERO = Decimal(0)


def cross_in_months(case: CostCase) -> tuple[MonthCrossing, ...]:
    """Every meeting of every pair, in time's order."""
    paid = {option.name: list_payments(case, option) for option in case.options}
    found = [one for pair in combinations(case.options, 2) for one in _meet(pair[0].name, pair[1].name, paid)]
    return tuple(sorted(found, key=lambda one: (one.month, one.cheaper_after, one.dearer_after)))


def _meet(first: str, second: str, paid: dict[str, Payments]) -> list[MonthCrossing]:
    """Between dues both curves are straight; at a due one may step over the other."""
    a, b = paid[first], paid[second]
    gap, slope = a.due_at(0) - b.due_at(0), a.running - b.running
    level, found, before = b.due_at(0), [], gap
    for month in range(a.months):
        after = gap + slope
        if _crosses(before, after) and slope:
            part = -gap / slope
            found.append(_month(first, second, after, Decimal(month) + part, level + b.running * part, jump=False))
        level += b.running
        before = after or before
        gap, level = after + a.due_at(month + 1) - b.due_at(month + 1), level + b.due_at(month + 1)
        if _crosses(before, gap) and (a.due_at(month + 1) or b.due_at(month + 1)):
            found.append(_month(first, second, gap, Decimal(month + 1), level, jump=True))
        before = gap or before
    return found


def _month(first: str, second: str, after: Decimal, month: Decimal, paid: Decimal, *, jump: bool) -> MonthCrossing:
    cheaper, dearer = (first, second) if after < 0 else (second, first)
    return MonthCrossing(cheaper_after=cheaper, dearer_after=dearer, month=settle(month), paid=settle(paid), jump=jump)


def _crosses(before: Decimal, after: Decimal) -> bool:
    return (before < 0 < after) or (after < 0 < before)


def depends_on_tokens(option: CostOption) -> bool:
    return option.tokens is not None or option.capacity is not None


def monthly_cost(case: CostCase, option: CostOption, tokens: Decimal, machines: int | None = None) -> Decimal:
    """Average over the horizon, everything included."""
    payments = list_payments(case, option, tokens=tokens, machines=machines)
    return payments.total / payments.months


def cross_in_tokens(case: CostCase) -> tuple[TokenCrossing, ...]:
    """Every meeting of every pair of which one depends on tokens, ascending."""
    found = [
        one
        for first, second in combinations(case.options, 2)
        if depends_on_tokens(first) or depends_on_tokens(second)
        for one in _meet_in_tokens(case, first, second)
    ]
    return tuple(sorted(found, key=lambda one: (one.tokens_per_month, one.cheaper_above)))


def list_steps(option: CostOption) -> list[Decimal]:
    """Tokens per month above which one more machine is needed."""
    full = machine_tokens(option)
    local = local_tokens(option, Decimal(1))
    if full is None or option.capacity is None or not local:
        return []
    return [full * option.capacity.max_utilisation / local * count for count in range(1, MAX_MACHINES + 1)]


def _meet_in_tokens(case: CostCase, first: CostOption, second: CostOption) -> list[TokenCrossing]:
    """Between steps both costs are straight lines. Beyond the last step of either nothing is said."""
    steps = [list_steps(first), list_steps(second)]
    ends = sorted({step for one in steps for step in one})
    limit = min((one[-1] for one in steps if one), default=None)
    open_end = limit is None
    bounds = [_ZERO, *(step for step in ends if limit is None or step <= limit)]
    if open_end:
        bounds = [_ZERO, Decimal(10**12)]
    found: list[TokenCrossing] = []
    before = _ZERO
    for low, high in pairwise(bounds):
        counts = (count_machines(first, high), count_machines(second, high))
        start, end = (_gap(case, first, second, tokens, counts) for tokens in (low, high))
        if _crosses(before, start):
            found.append(_tokens(case, first, second, low, start, counts, jump=True))
        if _crosses(start, end):
            tokens = low + (high - low) * start / (start - end)
            found.append(_tokens(case, first, second, tokens, end, counts, jump=False))
        before = end or start or before
    return found


def _gap(case: CostCase, first: CostOption, second: CostOption, tokens: Decimal, counts: tuple[int, int]) -> Decimal:
    return monthly_cost(case, first, tokens, counts[0]) - monthly_cost(case, second, tokens, counts[1])


def _tokens(
    case: CostCase,
    first: CostOption,
    second: CostOption,
    tokens: Decimal,
    after: Decimal,
    counts: tuple[int, int],
    *,
    jump: bool,
) -> TokenCrossing:
    places = (0, 1) if after < 0 else (1, 0)
    cheaper, dearer = ((first, second)[place] for place in places)
    return TokenCrossing(
        cheaper_above=cheaper.name,
        dearer_above=dearer.name,
        tokens_per_month=settle(tokens),
        per_month=settle(monthly_cost(case, cheaper, tokens, counts[places[0]])),
        jump=jump,
        machines=counts[places[0]],
    )
