"""The watts and the speed that a cost case takes from a plan, and the watts that a receipt measured."""

from __future__ import annotations

from decimal import Decimal

from provision.catalog import load_catalog
from provision.errors import UsageError
from provision.models.base import Frozen
from provision.models.plan import Plan
from provision.models.profile import Source
from provision.models.report import Receipt
from provision.planner.findings import FREE_POWER_W
from provision.profile.tree import Node

SERVER_IDLE_W = Decimal(100)
"""A whole server's idle draw by the article "Open source AI for SMEs" (2026-05-27), cards included."""
PRICE = "list:eurostat-2023s2-highest"
"""Of a kWh where the case gives none: the highest that businesses of the EU paid."""


class Power(Frozen):
    """Watts of the whole server, and tokens per second of all its text models, one user each."""

    load_w: Decimal
    idle_w: Decimal
    tokens_per_second: Decimal | None
    notes: tuple[str, ...]


def plan_power(plan: Plan) -> Power:
    """From the cards' limits, else what the catalogue says; what the rest draws is an assumption of the planner."""
    gpus = load_catalog().gpus
    rated = sum(min(card.power_limit_w or gpus[card.model].tdp_w, gpus[card.model].tdp_w) for card in plan.cards)
    bounds = [engine.decode_bound_tok_s for engine in plan.text_engines if engine.decode_bound_tok_s]
    speed = Decimal(str(round(sum(bounds), 1))) if bounds else None
    notes = [
        f"watts at work from the plan of {plan.profile}: cards {rated} W, the rest {FREE_POWER_W} W (assumed)",
        f"idle {SERVER_IDLE_W} W: the article's figure for a whole server",
    ]
    if speed is not None:
        notes.append(f"capacity {speed} tokens/s: the plan's upper bound for one user at a time, not a measurement")
    return Power(
        load_w=Decimal(rated + FREE_POWER_W), idle_w=SERVER_IDLE_W, tokens_per_second=speed, notes=tuple(notes)
    )


def measured_power(planned: Power, receipt: Receipt) -> Power:
    """Idle watts as the receipt's cards drew them with the models loaded, on top of the article's idle server, which
    counts idle cards already: an upper bound. Raises UsageError where the receipt has none."""
    watts = [card.power_w for card in receipt.cards if card.power_w is not None]
    if not watts or len(watts) < len(receipt.cards):
        raise UsageError(
            "the receipt holds no measured watts of its cards",
            where=f"receipt {receipt.id}",
            hint="make a new one with provision verify; receipts hold them from this version on",
        )
    drawn = Decimal(str(round(sum(watts), 1)))
    note = f"idle watts from receipt {receipt.id}: cards {drawn} W with the models loaded, the server {SERVER_IDLE_W} W"
    simulated = (f"receipt {receipt.id}: the cards are SIMULATED, so their watts are not a measurement",)
    return planned.model_copy(
        update={
            "idle_w": SERVER_IDLE_W + drawn,
            "notes": (planned.notes[0], *planned.notes[2:], note, *(simulated if receipt.simulated else ())),
        }
    )


def power_layer(power: Power, option: str, *, priced: bool) -> Node:
    """What the plan says of an option, as a layer of the case. `priced`: the case has its own price of a kWh."""
    place = Source(layer="built-in", place="the plan")

    def group(**values: Decimal | str | Node | None) -> Node:
        items = {key: value if isinstance(value, Node) else Node(place, str(value)) for key, value in values.items()}
        return Node(place, items)

    watts = {"load_w": power.load_w, "idle_w": power.idle_w}
    parts = {"electricity": group(**watts) if priced else group(**watts, price_per_kwh=PRICE)}
    if power.tokens_per_second is not None:
        parts["capacity"] = group(tokens_per_second=power.tokens_per_second)
    return Node(place, {"options": Node(place, {option: Node(place, dict(parts))})})
