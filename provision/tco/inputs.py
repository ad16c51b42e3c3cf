"""The numbers of a case by path, and the case with one of them changed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from annotated_types import Ge, Gt, Le
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from provision.models.base import Frozen
from provision.models.money import Money
from provision.models.tco import CostCase, Range

Number = Decimal | int | Money
Path = tuple[str, ...]
USUAL = Decimal("0.2")
"""How far an input without a range of its own is varied, down and up."""


def list_inputs(case: CostCase, names: frozenset[str]) -> Iterator[tuple[Path, Number]]:
    """Every number of the named options, of the load, and the exchange rates."""
    for option in case.options:
        if option.name in names:
            yield from _numbers(option, (option.name,))
    yield from _numbers(case.load, ("load",))
    yield from _numbers(case.rates, ("rates",))


def find_input(case: CostCase, path: str) -> Number | None:
    """The number at 'self-hosted.purchase.price'; None where there is none."""
    names = frozenset(option.name for option in case.options)
    return next((number for steps, number in list_inputs(case, names) if ".".join(steps) == path), None)


def usual_range(case: CostCase, path: Path) -> tuple[Number, Number]:
    """20 % down and up, whole numbers by one at least, and never beyond what the input may be."""
    number, field = _at(case, path), _field(case, path)
    if isinstance(number, Money):
        return _times(number, 1 - USUAL), _times(number, 1 + USUAL)
    step = number * USUAL
    if isinstance(number, int):
        whole = max(1, round(step))
        return int(_bound(Decimal(number - whole), field)), int(_bound(Decimal(number + whole), field))
    return _bound(number - step, field), _bound(number + step, field)


def read_range(case: CostCase, one: Range) -> tuple[Any, Any]:
    """The given range as amounts or numbers that can be compared. Raises ValueError for what the input may not be."""
    low, high = give_range(case, one)
    if isinstance(low, Money) and isinstance(high, Money):
        if low.currency != high.currency:
            raise ValueError("which is in another currency than the other end; write both in one")
        return low.amount, high.amount
    return low, high


def give_range(case: CostCase, one: Range) -> tuple[Number, Number]:
    """Raises ValueError."""
    field = _field(case, tuple(one.input.split(".")))
    kind = TypeAdapter[Any](field.rebuild_annotation())
    try:
        low, high = (kind.validate_python(value) for value in (one.low, one.high))
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from error
    return low, high


def change(case: CostCase, path: Path, number: Number) -> CostCase:
    """The case with one number changed; nothing else is checked again."""
    if path[0] in ("load", "rates"):
        return _replace(case, path, number)
    options = tuple(_replace(option, path[1:], number) if option.name == path[0] else option for option in case.options)
    return case.model_copy(update={"options": options})


def _replace[M: Frozen](model: M, path: Path, number: Number) -> M:
    if len(path) == 1:
        return model.model_copy(update={path[0]: number})
    return model.model_copy(update={path[0]: _replace(getattr(model, path[0]), path[1:], number)})


def _numbers(model: Frozen, path: Path) -> Iterator[tuple[Path, Number]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Money | Decimal | int):
            yield (*path, name), value
        elif isinstance(value, Frozen):
            yield from _numbers(value, (*path, name))


def _holder(case: CostCase, path: Path) -> Frozen:
    model: Frozen = case if path[0] in ("load", "rates") else next(o for o in case.options if o.name == path[0])
    for step in path[:-1] if model is case else path[1:-1]:
        model = getattr(model, step)
    return model


def _at(case: CostCase, path: Path) -> Number:
    number: Number = getattr(_holder(case, path), path[-1])
    return number


def _field(case: CostCase, path: Path) -> FieldInfo:
    return type(_holder(case, path)).model_fields[path[-1]]


def _bound(number: Decimal, field: FieldInfo) -> Decimal:
    for rule in _rules(field.rebuild_annotation()):
        if isinstance(rule, Le):
            number = min(number, Decimal(str(rule.le)))
        elif isinstance(rule, Ge):
            number = max(number, Decimal(str(rule.ge)))
        elif isinstance(rule, Gt) and number <= Decimal(str(rule.gt)):
            raise AssertionError("20 % less of a positive number is positive")
    return number


def _rules(annotation: Any) -> Iterator[object]:
    """The limits of a type, those of `int | None` included."""
    for item in getattr(annotation, "__metadata__", ()):
        yield from getattr(item, "metadata", None) or (item,)
    for part in getattr(annotation, "__args__", ()):
        yield from _rules(part)


def _times(money: Money, factor: Decimal) -> Money:
    return money.model_copy(update={"amount": money.amount * factor})
