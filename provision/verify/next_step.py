"""The next step of a failed check, with what only a lab offers."""

from __future__ import annotations

from provision.models.plan import Plan
from provision.verify.evidence import Evidence


def with_lab(step: str, evidence: Evidence, machine: str) -> str:
    """The step for a real machine; where its cards are simulated, also how a simulated fault is healed."""
    if not evidence.simulated(machine):
        return step
    heal = f"provision lab fault none --name {evidence.plan.client} --machine {machine}"
    return f"{step} (these cards are simulated: '{heal}' heals a simulated fault)"


def logs_of_service(plan: Plan, service: str) -> str:
    """The command that shows a planned service's journal, wherever it is placed."""
    placed = next((item for item in plan.services if item.name == service), None)
    return logs_of(placed.machine, placed.unit) if placed else "provision status"


def logs_of(machine: str, unit: str | None = None) -> str:
    """The command that shows a machine's journal."""
    return f"provision logs {machine}" + (f" --unit {unit}" if unit else "")
