"""What a check of the preflight is given, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from provision.models.node import NodeGuest, NodeObservation, WantedFiles
from provision.models.plan import Plan, PlannedMachine

PlatformKind = Literal["proxmox", "host"]
EVERYWHERE: frozenset[PlatformKind] = frozenset(("proxmox", "host"))
HOST: frozenset[PlatformKind] = frozenset(("host",))


class Problem(NamedTuple):
    """One finding of a check. An error blocks; `concerns` says what must change, the node or the plan."""

    what: str
    hint: str
    where: str = ""
    """Beyond the node's name: a file, a card, a guest."""
    severity: Literal["error", "warning"] = "error"
    concerns: Literal["node", "plan"] = "node"


@dataclass(frozen=True)
class Evidence:
    """The plan, and what its node said."""

    plan: Plan
    node: NodeObservation
    wanted: WantedFiles | None = None
    """What `up` would bring; None: only what is there is judged."""

    @property
    def platform(self) -> PlatformKind:
        """What kind of machine the plan wants this to be."""
        return "proxmox" if self.plan.proxmox else "host"

    @property
    def leaves_driver(self) -> bool:
        """On a plain host a driver that provision did not install stays as it is."""
        return self.platform == "host" and self.node.foreign_driver

    @property
    def host(self) -> PlannedMachine | None:
        """The machine of the plan that a plain host is: the one with the cards, else the first of its kind."""
        hosts = [machine for machine in self.plan.machines if machine.kind == "host"]
        return max(hosts, key=lambda machine: len(machine.cards), default=None)

    def is_ours(self, unit: str | None) -> bool:
        """A unit of the plan's own services; an engine has one for each model ('llama-cpp@chat.service')."""
        planned = {service.unit for service in self.plan.services}
        return unit is not None and (unit in planned or re.sub(r"@.*\.", "@.", unit) in planned)

    @property
    def planned_guests(self) -> tuple[PlannedMachine, ...]:
        return tuple(machine for machine in self.plan.machines if machine.kind != "host")

    @property
    def missing_guests(self) -> tuple[PlannedMachine, ...]:
        """Those of the plan that do not stand yet."""
        return tuple(
            m for m in self.planned_guests if not any(self.owner(guest) is m for guest in self.node.guests or ())
        )

    def owner(self, guest: NodeGuest) -> PlannedMachine | None:
        """The machine of the plan that a guest is: it has the planned name and the client's tag, or is in the client's
        pool without any tag, as a run leaves it that is killed in between."""
        where = self.plan.proxmox
        if where is None or not (where.tag in guest.tags or (guest.pool == where.pool and not guest.tags)):
            return None
        return next((machine for machine in self.planned_guests if guest.name == machine.name), None)

    def unknown(self, fact: str, subject: str, hint: str = "") -> Problem:
        """The warning where a fact could not be read: it is not guessed."""
        why = self.node.unread.get(fact, "the node does not say it")
        return Problem(
            f"{subject}: not known, because {why}", hint or "mend that and examine the node again", severity="warning"
        )


Judge = Callable[[Evidence], Iterable[Problem]]


@dataclass(frozen=True)
class Check:
    """One check."""

    id: str
    asks: str
    """What is looked at, for docs/preflight.md."""
    why: str
    """What goes wrong otherwise, with the source of the fact."""
    judge: Judge
    mended: bool = False
    """`up` mends what it finds; only `doctor` alone tells it."""
    platforms: frozenset[PlatformKind] = frozenset(("proxmox",))
    """Where it is asked."""
    anywhere: bool = False
    """Also asked where Proxmox VE is missing; every other check would only find its traces missing."""
