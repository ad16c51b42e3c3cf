"""What no single value shows: parts that need each other. All faults at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.models.tco import CostCase, CostOption
from provision.tco.inputs import find_input, read_range

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """`path` is that of the value in the case, for whoever knows where it was written."""

    path: Path
    what: str
    hint: str


def check_case(case: CostCase) -> list[Fault]:
    """Nothing where the case can be reckoned."""
    faults = list(_check_names(case))
    for place, option in enumerate(case.options):
        at: Path = ("options", place)
        faults += _check_parts(option, at)
        faults += _check_electricity(case, option, at)
        faults += _check_load(case, option, at)
    return faults or list(_check_ranges(case))


def _check_names(case: CostCase) -> Iterator[Fault]:
    names = [option.name for option in case.options]
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Fault(("options", place, "name"), f"two options are called '{name}'", "give each its own name")


def _check_parts(option: CostOption, at: Path) -> Iterator[Fault]:
    paid = (option.purchase, option.electricity, option.operations, option.rent, option.seats, option.tokens)
    if not any(paid):
        hint = "give it purchase, electricity, operations, rent, seats or tokens"
        yield Fault(at, f"the option '{option.name}' has nothing that costs", hint)
    work = option.operations
    if work and (work.per_year is None) == (work.hours_per_month is None or work.per_hour is None):
        hint = "write either per_year, or hours_per_month and per_hour"
        yield Fault((*at, "operations"), f"the operations of '{option.name}' have no clear cost", hint)


def _check_electricity(case: CostCase, option: CostOption, at: Path) -> Iterator[Fault]:
    power, at = option.electricity, (*at, "electricity")
    if power is None:
        return
    by_watts = power.load_w is not None or power.price_per_kwh is not None
    if power.per_year is not None and by_watts:
        yield Fault(
            at, f"the electricity of '{option.name}' is given twice", "keep per_year, or the watts and the price"
        )
    elif power.per_year is None and (power.load_w is None or power.price_per_kwh is None):
        hint = "write per_year, or load_w and price_per_kwh (list:eurostat-2023s2-highest is one)"
        yield Fault(at, f"the electricity of '{option.name}' has no clear cost", hint)
    elif by_watts and power.load_hours_per_month is None and not (option.capacity and case.load.tokens_per_month):
        hint = "write electricity.load_hours_per_month; or its capacity and load.tokens_per_month, which give them"
        yield Fault(at, f"it is not said how long '{option.name}' works at load_w", hint)


def _check_load(case: CostCase, option: CostOption, at: Path) -> Iterator[Fault]:
    if option.tokens and case.load.tokens_per_month is None:
        hint = "add `load: {tokens_per_month: 50M, output_share: 0.2}` with your own figures"
        yield Fault((*at, "tokens"), f"'{option.name}' is paid per token, and no load is given", hint)
    if option.tokens and case.load.output_share is None and option.tokens.input != option.tokens.output:
        hint = "add output_share to the load: the part of the tokens that is written, from 0 to 1"
        yield Fault((*at, "tokens"), f"'{option.name}' has two prices, and the shares are not given", hint)


def _check_ranges(case: CostCase) -> Iterator[Fault]:
    for place, one in enumerate(case.ranges):
        at: Path = ("ranges", place)
        if find_input(case, one.input) is None:
            hint = "write an option's name and a value of it that is given, for example self-hosted.purchase.price"
            yield Fault((*at, "input"), f"the case has no input '{one.input}'", hint)
            continue
        try:
            low, high = read_range(case, one)
        except ValueError as error:
            fault, _, hint = str(error).partition("; ")
            yield Fault(at, f"the range of {one.input} holds a value {fault}", hint or "write it as the input itself")
            continue
        if low > high:
            yield Fault(at, f"the range of {one.input} ends before it begins", "write the lower value under low")
