"""What a check is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from provision.models.observation import EngineObservation, GpuObservation, MachineObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Card, EngineInstance, Plan, PlannedMachine
from provision.models.report import Status

STACK = ""
"""The target of checks that speak of the stack as a whole."""


class Verdict(NamedTuple):
    """One answer of a check; `about` ends its title ('card 1'), `simulated` says that it rests on a simulated card.

    `seconds` is how long the measurement took where that is known.
    """

    status: Status
    expected: str
    measured: str
    hint: str = ""
    about: str = ""
    simulated: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """The plan, and everything that was observed. Machines that did not answer are missing from `machines`."""

    plan: Plan
    machines: Mapping[str, MachineObservation]
    web: WebObservation
    absent: Mapping[str, str] = field(default_factory=dict)
    """Why a machine does not answer, by its name."""

    def planned(self, machine: str) -> PlannedMachine:
        return next(item for item in self.plan.machines if item.name == machine)

    def cards(self, machine: str) -> tuple[Card, ...]:
        indices = self.planned(machine).cards
        return tuple(card for card in self.plan.cards if card.index in indices)

    def engines(self, machine: str) -> tuple[EngineInstance, ...]:
        return tuple(engine for engine in self.plan.engines if engine.machine == machine)

    def gpu(self, machine: str) -> GpuObservation | None:
        return self.machines[machine].gpu

    def asks_through(self, site: str) -> bool:
        """Whether what is behind a site is asked: a single sign-on lets no probe through."""
        return self.plan.sign_on is None and any(planned.name == site for planned in self.plan.sites)

    def engine_seen(self, engine: EngineInstance) -> EngineObservation | None:
        seen = self.machines[engine.machine].engines or ()
        return next((item for item in seen if item.name == engine.name), None)

    def simulated(self, machine: str) -> bool:
        """Whether what this machine says of its cards is simulated: so planned, or so reported."""
        gpu = self.gpu(machine) if machine in self.machines else None
        return any(card.simulated for card in self.cards(machine)) or bool(gpu and gpu.simulated)


Targets = Callable[[Plan], Sequence[str]]
Judge = Callable[[Evidence, str], Iterable[Verdict]]


@dataclass(frozen=True)
class Check:
    """One check.

    `targets` names the machines it is asked for (or STACK), `judge` answers for one of them. `needs` are checks whose
    failure explains a failure here: then this one is skipped, so that one cause gives one red line.
    """

    id: str
    title: str
    asks: str
    """What is compared, for docs/checks.md."""
    fails: str
    """What its failure usually means, for docs/checks.md."""
    targets: Targets
    judge: Judge
    needs: tuple[str, ...] = ()


def every_machine(plan: Plan) -> Sequence[str]:
    return [machine.name for machine in plan.machines]


def machines_with_cards(plan: Plan) -> Sequence[str]:
    return [machine.name for machine in plan.machines if machine.cards]


def machines_with_engines(plan: Plan) -> Sequence[str]:
    return [machine.name for machine in plan.machines if any(e.machine == machine.name for e in plan.engines)]


def whole_stack(plan: Plan) -> Sequence[str]:  # noqa: ARG001 - has the form of every Targets
    return [STACK]


def name_card(card: Card) -> str:
    """'card 1 NVIDIA GeForce RTX 4090 (GPU-…)': enough to find it in the case and in nvidia-smi."""
    return f"card {card.index} {card.nvml_name}" + (f" ({card.uuid})" if card.uuid else "")
