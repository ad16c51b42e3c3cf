"""Planned and measured memory of every card, MiB. NVML's `used` is per device: by UUID, never by pid.

Inside a container NVML shows host pids, so the only honest measure of what a model takes is the device's `used` now
against `used` before the load (research: nvidia-docker#1483).
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.models.observation import GpuDevice, GpuObservation, MachineObservation
from provision.models.plan import Card, EngineInstance, Plan
from provision.models.report import CardMeasurement

TOLERANCE_SHARE = 0.10
"""A tenth of the plan: layer split moves up to one layer between cards, compute buffers differ by driver."""
TOLERANCE_FLOOR_MIB = 128
"""Never less than this: one CUDA context differs by up to about 100 MiB between driver versions (451 MiB planned)."""


def tolerance_of(planned_mib: int) -> int:
    """How far measured may be from planned, MiB."""
    return max(round(planned_mib * TOLERANCE_SHARE), TOLERANCE_FLOOR_MIB)


def planned_on(plan: Plan, card: Card) -> int:
    """What all models together are planned to take on the card, MiB."""
    return sum(budget.total_mib for engine in plan.engines for budget in engine.cards if budget.card == card.index)


def engines_on(plan: Plan, card: Card) -> tuple[EngineInstance, ...]:
    return tuple(e for e in plan.engines if any(budget.card == card.index for budget in e.cards))


def find_device(gpu: GpuObservation | None, card: Card) -> GpuDevice | None:
    """The device of a planned card: by UUID where the plan knows it, else by index."""
    if gpu is None:
        return None
    if card.uuid is not None:
        return next((device for device in gpu.devices if device.uuid == card.uuid), None)
    return next((device for device in gpu.devices if device.index == card.index), None)


def measure_cards(plan: Plan, observations: Mapping[str, MachineObservation]) -> tuple[CardMeasurement, ...]:
    """One measurement for every planned card that answered with its memory."""
    measured = []
    for machine in plan.machines:
        seen = observations.get(machine.name)
        for card in (card for card in plan.cards if card.index in machine.cards):
            item = measure_card(plan, card, seen) if seen else None
            if item:
                measured.append(item)
    return tuple(measured)


def measure_card(plan: Plan, card: Card, seen: MachineObservation) -> CardMeasurement | None:
    """None where the card or its memory could not be read."""
    device = find_device(seen.gpu, card)
    if device is None or device.memory is None or seen.gpu is None:
        return None
    planned = planned_on(plan, card)
    return CardMeasurement(
        card=card.index,
        name=device.name or card.nvml_name,
        uuid=device.uuid or card.uuid or "",
        total_mib=device.memory.total_mib,
        planned_mib=planned,
        before_mib=_before_load(plan, card, seen),
        measured_mib=device.memory.used_mib,
        tolerance_mib=tolerance_of(planned),
        simulated=card.simulated or seen.gpu.simulated,
        power_w=device.power_w,
    )


def _before_load(plan: Plan, card: Card, seen: MachineObservation) -> int | None:
    """Memory in use just before the first of the card's engines loaded; None where that is not known.

    With several engines on one card the snapshot of one holds the others where those were running: it counts as
    "before" only if it is far too small to hold any of them.
    """
    engines = engines_on(plan, card)
    boot = seen.machine.boot_id if seen.machine else None
    used = []
    for snapshot in seen.vram_before or ():
        device = find_device(snapshot.gpu, card)
        wanted = not engines or any(engine.name == snapshot.engine for engine in engines)
        if wanted and snapshot.boot_id == boot and device is not None and device.memory is not None:
            used.append(device.memory.used_mib)
    if not used:
        return None
    others = [b.total_mib for e in engines for b in e.cards if b.card == card.index] if len(engines) > 1 else []
    return min(used) if not others or min(used) < min(others) / 2 else None
