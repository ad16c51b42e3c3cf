"""How a figure is held against its inputs. A figure follows where both ends are within 3 % of what comes out, or where
what comes out is one number within a stated range; in part, where one end of a range is."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from provision.models.figures import Figure, Verdict
from provision.models.money import Currency, Money, settle
from provision.models.tco import CostCase
from provision.tco.cost import list_payments
from provision.tco.inputs import Number, change

TOLERANCE = Decimal("0.03")
"""For "about": 116,100 for "about 116,000", 4,889 for "about 5,000"."""
Ends = Decimal | int | tuple[Decimal | int, Decimal | int]


def judge(
    article: Literal["sme", "h100"],
    name: str,
    sentence: str,
    unit: str,
    stated: Ends | None,
    computed: Ends | None,
    arithmetic: str,
    *,
    verdict: Verdict | None = None,
) -> Figure:
    """`verdict` is given where the article has words instead of a number, or no inputs."""
    said, found = _ends(stated), _ends(computed)
    return Figure(
        id=f"{article}-{name}",
        article=article,
        sentence=sentence,
        unit=unit,
        stated=said,
        computed=found,
        arithmetic=arithmetic,
        verdict=verdict or _compare(said, found),
    )


def _compare(stated: tuple[Decimal, Decimal] | None, computed: tuple[Decimal, Decimal] | None) -> Verdict:
    if stated is None or computed is None:
        raise ValueError("a figure without a number needs a verdict of its own")
    alike = [_near(said, found) for said, found in zip(stated, computed, strict=True)]
    low, high = stated
    if all(alike) or (computed[0] == computed[1] and low <= computed[0] <= high):
        return "follows"
    return "follows in part" if any(alike) and low < high else "does not follow"


def _near(stated: Decimal, computed: Decimal) -> bool:
    return abs(computed - stated) <= stated * TOLERANCE


def _ends(value: Ends | None) -> tuple[Decimal, Decimal] | None:
    if value is None:
        return None
    low, high = value if isinstance(value, tuple) else (value, value)
    return settle(Decimal(low)), settle(Decimal(high))


def total_of(case: CostCase, name: str, **changes: Number) -> Decimal:
    """An option's total with inputs of it changed: purchase__price=Money(...)."""
    for key, number in changes.items():
        case = change(case, (name, *key.split("__")), number)
    option = next(one for one in case.options if one.name == name)
    return settle(list_payments(case, option).total)


def money(amount: int | str, currency: Currency) -> Money:
    return Money(amount=Decimal(amount), currency=currency)
