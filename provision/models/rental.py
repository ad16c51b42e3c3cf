"""A GPU host by the hour, for a pilot before anything is bought. Prices as data: source, date, currency."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field

from provision.models.base import Frozen
from provision.models.pilot import Currency


class RentalFact(Frozen):
    text: str
    source: str
    date: datetime.date


class RentalPrice(Frozen):
    """Per hour for one machine with `count` cards of `gpu`, a key of the GPU catalogue."""

    gpu: str
    count: Annotated[int, Field(ge=1, le=16)]
    product: str
    per_hour: Annotated[float, Field(ge=0)]
    currency: Currency
    source: str
    date: datetime.date


class ToLookUp(Frozen):
    """What nobody has confirmed, and how to."""

    what: str
    how: str


class Rental(Frozen):
    """`kind` container: nothing that `provision up` could bring up. `profile`: the built-in one that describes it."""

    title: str
    kind: Literal["host", "container"]
    login: str
    profile: str | None
    facts: tuple[RentalFact, ...]
    look_up: tuple[ToLookUp, ...]
    prices: tuple[RentalPrice, ...]


class Step(Frozen):
    """`command` is empty where a person does it at the provider's."""

    what: str
    command: str = ""


class RentalPlan(Frozen):
    """`price` None: nobody has a sourced one for these cards, and `unresolved` says how to get it. `cost` is the price
    times `hours`."""

    provider: str
    title: str
    kind: Literal["host", "container"]
    profile: str
    needs: tuple[str, ...]
    facts: tuple[RentalFact, ...]
    steps: tuple[Step, ...]
    hours: float
    price: RentalPrice | None
    cost: float | None
    unresolved: tuple[ToLookUp, ...]
    warnings: tuple[str, ...]
