"""Machines that exist already: a rented server, a bare-metal host, guests made by hand."""

from __future__ import annotations

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
