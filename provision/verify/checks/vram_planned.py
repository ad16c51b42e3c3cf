"""Does every card hold what the plan says: no more, no less, and from our engines?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.models.observation import MachineObservation
from provision.models.plan import Card, Plan
from provision.models.report import CardMeasurement, Status
from provision.verify.checks.model_resident import buffers_per_card
from provision.verify.evidence import Check, Evidence, Verdict, machines_with_cards
from provision.verify.next_step import logs_of, with_lab
from provision.verify.vram import engines_on, measure_card

NOTHING_SHARE = 0.25
"""Below this share of the plan the card holds no model: at most a CUDA context and a stray layer."""
_HOLDER = "on the host find it with nvidia-smi (a guest does not see foreign processes), end it, restart the engine"


class _Finding(NamedTuple):
    status: Status
    measured: str
    step: str = ""


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    seen = evidence.machines[machine]
    found = {card.index: measure_card(evidence.plan, card, seen) for card in evidence.cards(machine)}
    measured = {index: item for index, item in found.items() if item}
    told: dict[str, int] = {}
    for card in evidence.cards(machine):
        item = found[card.index]
        about = f"card {card.index}"
        if item is None:
            step = with_lab("see gpu_visible and vram_total", evidence, machine)
            simulated = evidence.simulated(machine)
            yield Verdict("failed", "memory can be read", "memory cannot be read", step, about, simulated)
            continue
        status, text, step = _judge_card(evidence.plan, seen, card, measured)
        models = ", ".join(engine.name for engine in engines_on(evidence.plan, card))
        if status == "failed" and _is_empty(item) and told.setdefault(models, card.index) != card.index:
            status, text = "skipped", f"{models} again: see card {told[models]}"
        hint = with_lab(step, evidence, machine) if status == "failed" else ""
        expected = f"{item.planned_mib} MiB (± {item.tolerance_mib} MiB)"
        yield Verdict(status, expected, text, hint, about, item.simulated)


def _judge_card(plan: Plan, seen: MachineObservation, card: Card, measured: dict[int, CardMeasurement]) -> _Finding:
    item = measured[card.index]
    before = item.before_mib or 0
    said = f"{item.measured_mib} MiB in use, before the load " + (
        "not known" if item.before_mib is None else f"{item.before_mib} MiB"
    )
    if before > item.tolerance_mib:
        return _Finding("failed", f"another process holds {before} MiB: it was there before the load; {said}", _HOLDER)
    drift = _drift(item)
    if drift > item.tolerance_mib:
        return _judge_excess(plan, seen, card, measured, said)
    if _lacks(item):
        return _judge_lack(plan, card, measured, said)
    return _Finding("passed", f"{said}: {drift:+d} MiB against the plan")


def _judge_excess(
    plan: Plan, seen: MachineObservation, card: Card, measured: dict[int, CardMeasurement], said: str
) -> _Finding:
    item = measured[card.index]
    drift = _drift(item)
    robbed = next((o for o in measured.values() if o.card != card.index and _explains(o, item)), None)
    if robbed is not None:
        return _Finding("skipped", f"{drift} MiB too much: the model planned for card {robbed.card}, see there")
    own = _own_report(plan, seen, card)
    if own is not None and own - item.planned_mib > item.tolerance_mib:
        return _Finding(
            "failed",
            f"the engine itself takes {own} MiB; {said}",
            "compare context and slots with the plan (engine_flags), then provision up",
        )
    certain = "" if own is None else f" (the engine's own {own} MiB are as planned)"
    return _Finding("failed", f"another process holds {drift} MiB{certain}; {said}", _HOLDER)


def _judge_lack(plan: Plan, card: Card, measured: dict[int, CardMeasurement], said: str) -> _Finding:
    item = measured[card.index]
    other = next((o for o in measured.values() if o.card != card.index and _explains(item, o)), None)
    names = ", ".join(engine.name for engine in engines_on(plan, card))
    engine = next(iter(engines_on(plan, card)))
    if other is not None:
        return _Finding(
            "failed",
            f"wrong card: {names} is on card {other.card} ({_drift(other):+d} MiB against the plan there); {said}",
            f"provision up writes the unit of '{names}' with card {card.index} again and restarts it",
        )
    if _is_empty(item):
        return _Finding(
            "failed",
            f"nothing on the card: {names} runs on the CPU only; {said}",
            f"see cuda_init; '{logs_of(engine.machine)}' shows why the engine took no card; then restart it",
        )
    return _Finding(
        "failed",
        f"{-_drift(item)} MiB less than planned, a part of {names} is not on the card; {said}",
        "see layers in model_resident and context in engine_flags, then provision up",
    )


def _drift(item: CardMeasurement) -> int:
    """What the models take beyond the plan, MiB; negative where they take less."""
    return item.measured_mib - (item.before_mib or 0) - item.planned_mib


def _is_empty(item: CardMeasurement) -> bool:
    """Whether no model can be on the card. In a lab the whole plan may be smaller than the tolerance."""
    return item.planned_mib > 0 and _drift(item) <= item.planned_mib * (NOTHING_SHARE - 1)


def _lacks(item: CardMeasurement) -> bool:
    return _drift(item) < -item.tolerance_mib or _is_empty(item)


def _explains(lacking: CardMeasurement, having: CardMeasurement) -> bool:
    """Whether at least half of what one card lacks is what another has too much."""
    return _lacks(lacking) and _drift(having) >= -_drift(lacking) / 2


def _own_report(plan: Plan, seen: MachineObservation, card: Card) -> int | None:
    """What the card's engines themselves say they took of it, MiB; None where they do not say.

    A lab's engine computes on the CPU, where its resident memory stands for the simulated card's.
    """
    total = 0
    for engine in engines_on(plan, card):
        report = next((item for item in seen.engines or () if item.name == engine.name), None)
        budget = next(b for b in engine.cards if b.card == card.index)
        if report is None:
            return None
        if engine.simulated:
            if report.process.rss_mib is None:
                return None
            share = budget.total_mib / max(1, sum(b.total_mib for b in engine.cards))
            total += round(report.process.rss_mib * share)
        else:
            buffers = buffers_per_card(engine, report)
            if card.index not in buffers:
                return None
            total += buffers[card.index] + budget.overhead_mib
    return total


CHECK = Check(
    id="vram_planned",
    title="Planned and measured memory",
    asks="NVML's used memory of every card, less what was in use before the load, is what the plan says: within 10 %, "
    "at least 128 MiB.",
    fails="The model is on the CPU or on another card, another process holds memory, or the budget is wrong.",
    targets=machines_with_cards,
    judge=judge,
    needs=(
        "machine_answers",
        "driver_match",
        "gpu_visible",
        "cuda_init",
        "vram_total",
        "service_health",
        "engine_flags",
        "model_resident",
    ),
)
