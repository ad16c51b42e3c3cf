"""The plan of a rented host in the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.rental import RentalPlan
from provision.ui.printable import safe


def render_rental(plan: RentalPlan) -> RenderableType:
    lines = [safe(f"Pilot at {plan.title}, profile {plan.profile}", "bold"), Text()]
    lines += _list("The host must have", plan.needs)
    lines += _list("Known", tuple(f"{fact.text} [{fact.source}, {fact.date}]" for fact in plan.facts))
    lines += _list("Not known: look it up", tuple(f"{item.what}: {item.how}" for item in plan.unresolved))
    lines.append(Text("Steps", style="bold"))
    for number, step in enumerate(plan.steps, start=1):
        lines.append(safe(f"  {number}. {step.what}"))
        lines += [safe(f"       {step.command}", "cyan")] if step.command else []
    return Group(*lines, Text(), _cost(plan), *(safe(f"Warning: {text}", "yellow") for text in plan.warnings))


def _list(title: str, items: tuple[str, ...]) -> list[Text]:
    return [Text(title, style="bold"), *(safe(f"  - {item}") for item in items), Text()] if items else []


def _cost(plan: RentalPlan) -> Text:
    if plan.price is None or plan.cost is None:
        return safe("Cost: not resolved, see above", "yellow")
    price = plan.price
    told = f"{price.per_hour:g} {price.currency} x {plan.hours:g} h = {plan.cost:,.2f} {price.currency}"
    return safe(f"Cost: {told} ({price.product}; {price.source}, {price.date}); without tax, storage, traffic", "bold")
