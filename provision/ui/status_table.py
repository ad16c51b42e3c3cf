"""What stands of a client's stack, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.guests import GuestDrift
from provision.models.plan import Plan
from provision.ui.plan_table import new_table
from provision.ui.printable import printable, safe


def render_status(
    *,
    client: str,
    target: str,
    plan: Plan | None,
    reachable: Mapping[str, bool],
    drift: Sequence[GuestDrift] = (),
    node_unread: str | None = None,
    holder: str | None,
    last: tuple[str | None, str | None],
) -> RenderableType:
    """`holder`: who is at work on it now; `last`: path and verdict of the newest receipt."""
    head = Text(f"{printable(client)} · {target}", style="bold")
    if plan is None:
        return Group(head, Text("Nothing has been brought up yet: provision up does it."))
    parts: list[RenderableType] = [head]
    if holder:
        parts.append(Text(f"A run is at work on it: {printable(holder)}", style="yellow"))
    parts.append(_machines(plan, reachable))
    parts += [Text(f"{printable(d.machine)}: {printable(d.what)}", style="yellow") for d in drift]
    if node_unread:
        parts.append(Text(f"How the guests stand on their node is not known: {printable(node_unread)}", style="yellow"))
    parts += [Text(f"{printable(site.purpose)}: {printable(site.url)}") for site in plan.sites]
    path, verdict = last
    if path:
        style = "green" if verdict == "passed" else "red"
        parts.append(Text(f"Last receipt: {verdict}", style=style).append(f"  {printable(path)}", style="default"))
    return Group(*parts)


def _machines(plan: Plan, reachable: Mapping[str, bool]) -> RenderableType:
    table = new_table("Machines")
    for name in ("machine", "address", "ssh", "services"):
        table.add_column(name)
    for machine in plan.machines:
        answers = reachable.get(machine.name, False)
        state = Text("answers", style="green") if answers else Text("no answer", style="bold red")
        table.add_row(safe(machine.name, "bold"), str(machine.address), state, safe(", ".join(machine.services)))
    return table
