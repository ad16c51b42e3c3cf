"""Guests of a Proxmox node, or of a host: what provision does not do there yet."""

from __future__ import annotations

from provision.errors import SetupError
from provision.models.plan import Plan


def explain_missing_guests(plan: Plan) -> SetupError | None:
    """Why unreachable guests of a live plan were not simply made; None where the plan has no guests to make."""
    guests = [machine for machine in plan.machines if machine.kind == "lxc"]
    if plan.target != "live" or not guests:
        return None
    place = "Proxmox" if plan.platform == "proxmox" else "a plain host"
    return SetupError(
        f"provision does not create guests on {place} yet: they must exist and let root in by ssh key",
        where=f"platform {plan.platform}, machines " + ", ".join(f"{guest.name} {guest.address}" for guest in guests),
        hint="create them by hand (Debian 12, unprivileged LXC, these addresses), or try the stack with --lab",
    )
