"""Proxmox: what provision does not do there yet."""

from __future__ import annotations

from provision.errors import SetupError
from provision.models.plan import Plan


def explain_missing_guests(plan: Plan) -> SetupError | None:
    """Why unreachable guests of a live Proxmox plan were not simply made; None for every other plan."""
    if plan.target != "live" or plan.platform != "proxmox":
        return None
    wanted = ", ".join(f"{machine.name} {machine.address}" for machine in plan.machines)
    return SetupError(
        "provision does not create guests on Proxmox yet: they must exist and let root in by ssh key",
        where=f"platform proxmox, machines {wanted}",
        hint="create them by hand (Debian 12, unprivileged LXC, these addresses), or try the stack with --lab",
    )
