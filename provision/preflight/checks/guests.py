"""Are the planned addresses and names free, or held by the plan's own guests?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if node.guests is None:
        yield evidence.unknown("guests", "which guests there are")
        return
    if "guest_configs" in node.unread:
        yield evidence.unknown("guest_configs", "which addresses the guests have")
    for machine in evidence.planned_guests:
        address = str(machine.address)
        if address in (node.addresses or ()):
            yield Problem(
                f"the address {address}, planned for '{machine.name}', is the node's own",
                "choose another: machines.*.address or network.cidr in the profile",
                concerns="plan",
            )
        for guest in (guest for guest in node.guests if evidence.owner(guest) is None):
            if machine.guest and guest.id == machine.guest.id:
                yield Problem(
                    f"the id {guest.id}, planned for '{machine.name}', is taken by '{guest.name}' on node {guest.node}",
                    "choose other ids: --set platform.guests.first_id=N",
                    where=f"guest {guest.id}",
                    concerns="plan",
                )
            about = f"guest {guest.id} '{guest.name}' on node {guest.node}"
            if address in guest.addresses:
                yield Problem(
                    f"the address {address}, planned for '{machine.name}', is taken by {about}",
                    "choose another: machines.*.address or network.cidr in the profile",
                    where=f"guest {guest.id}",
                    concerns="plan",
                )
            elif guest.name == machine.name:
                yield Problem(
                    f"{about} has the name of a planned machine and not the client's tag: it is a foreign one",
                    "nothing: it is left alone",
                    where=f"guest {guest.id}",
                    severity="warning",
                )


CHECK = Check(
    id="guests",
    asks="No foreign guest of the cluster has a planned id or address, nor the node; names that look alike are named.",
    why="Two machines with one address break each other's network; an id belongs to one guest of the cluster.",
    judge=judge,
)
