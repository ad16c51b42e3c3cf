"""The lab: every machine of the plan becomes a real LXC guest of this machine."""

from __future__ import annotations

from provision.models.lab import LabGuest, LabPlainHost, LabSpec, SimulatedGpu
from provision.models.plan import Card, Plan, PlannedMachine
from provision.models.profile import Provider

IMAGE_DRIVERS: dict[Provider, str] = {"scaleway": "580.126.18"}
"""Scaleway's GPU OS image brings a driver (domain.md E2). Which version is not known to us: one of the branch that the
engines need, and another one than ours, so that replacing it would show."""


def lab_spec(plan: Plan) -> LabSpec:
    """The lab that a plan asks for, named after its client.

    Guests get no limit of memory or cores: the plan's figures are those of the real hardware, which this machine
    does not have. Raises ValueError for a plan of another target.
    """
    if plan.target != "lab":
        raise ValueError(f"a plan for {plan.target} has no lab")
    cards = {card.index: card for card in plan.cards}
    return LabSpec(
        name=plan.client,
        network=plan.network,
        guests=tuple(
            LabGuest(
                name=machine.name,
                address=machine.address,
                plain_host=_rented(plan) if machine.kind == "host" else None,
                gpus=tuple(_simulate(position, cards[index]) for position, index in enumerate(machine.cards)),
            )
            for machine in machines_to_create(plan)
        ),
    )


def _rented(plan: Plan) -> LabPlainHost:
    """As the provider hands it over. With Hetzner's installimage there is no driver."""
    return LabPlainHost(image_driver=IMAGE_DRIVERS.get(plan.provider))


def machines_to_create(plan: Plan) -> tuple[PlannedMachine, ...]:
    """The machines that provision makes itself: all of them in the lab, none elsewhere as yet."""
    return plan.machines if plan.target == "lab" else ()


def simulated_cards(plan: Plan) -> tuple[SimulatedGpu, ...]:
    """Every card of a lab plan, as the lab's node has them."""
    return tuple(_simulate(card.index, card) for card in plan.cards)


def _simulate(position: int, card: Card) -> SimulatedGpu:
    """`position` is the card's number within its machine, where NVML counts from 0."""
    if card.uuid is None or card.pci_address is None:
        raise ValueError(f"card {card.index} of a lab plan has no simulated identity")
    return SimulatedGpu(
        index=position,
        name=card.nvml_name,
        uuid=card.uuid,
        pci_address=card.pci_address,
        memory_mib=card.memory_mib,
    )
