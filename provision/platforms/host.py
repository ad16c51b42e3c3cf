"""Machines that exist already: a rented server, a bare-metal host, guests made by hand."""

from __future__ import annotations

from provision.errors import SetupError
from provision.models.inventory import Connection
from provision.models.plan import Plan

USER = "root"
SSH_PORT = 22


def live_connections(plan: Plan) -> tuple[Connection, ...]:
    """How the machines of a live plan are reached: root by ssh at the planned address.

    Key and known hosts are left empty: ssh then uses the administrator's own, and refuses a host it does not know.
    """
    return tuple(
        Connection(
            machine=machine.name, address=machine.address, port=SSH_PORT, user=USER, private_key="", known_hosts=""
        )
        for machine in plan.machines
    )


def explain_missing_guests(plan: Plan) -> SetupError | None:
    """Why unreachable guests of a plain host were not simply made; None where the plan has no guests to make."""
    guests = [machine for machine in plan.machines if machine.kind == "lxc"]
    if plan.target != "live" or plan.proxmox or not guests:
        return None
    return SetupError(
        "provision does not create guests on a plain host: they must exist and let root in by ssh key",
        where=f"platform {plan.platform}, machines " + ", ".join(f"{guest.name} {guest.address}" for guest in guests),
        hint="create them by hand (Debian 12, unprivileged LXC, these addresses), or try the stack with --lab",
    )
