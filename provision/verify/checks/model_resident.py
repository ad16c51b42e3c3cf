"""Runs every engine with the planned model on the planned cards, by its own account?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from provision.models.observation import EngineObservation
from provision.models.plan import EngineInstance
from provision.verify.evidence import Check, Evidence, Verdict, machines_with_engines
from provision.verify.next_step import logs_of, with_lab
from provision.verify.vram import find_device, tolerance_of

_CUDA = re.compile(r"^CUDA(\d+)$")


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    for engine in evidence.engines(machine):
        expected = f"{engine.model_file} on {_name_places(engine)}"
        seen = evidence.engine_seen(engine)
        simulated = engine.simulated and bool(engine.cards)
        if seen is None or seen.process.error or seen.process.pid is None:
            reason = seen.process.error if seen else "the probe did not look at it"
            step = logs_of(machine, seen.unit if seen else None)
            yield Verdict("failed", expected, f"not running: {reason or 'no process'}", step, engine.name, simulated)
            continue
        problem = _find_problem(evidence, engine, seen)
        if problem is None:
            yield Verdict("passed", expected, _describe(seen), "", engine.name, simulated)
        else:
            measured, step = problem
            yield Verdict("failed", expected, measured, with_lab(step, evidence, machine), engine.name, simulated)


def _find_problem(evidence: Evidence, engine: EngineInstance, seen: EngineObservation) -> tuple[str, str] | None:
    loaded = PurePosixPath(seen.props.model_path or "").name
    if loaded and loaded != engine.model_file:
        return f"it serves {loaded}", "provision up writes its configuration again and restarts it"
    if not engine.cards:
        return None
    visible = seen.process.cuda_visible_devices
    given = _cards_given(visible, evidence, engine)
    planned = [budget.card for budget in engine.cards]
    if given != planned:
        shown = "not set" if visible is None else f"'{visible}'"
        place = "all cards" if visible is None else _name_cards(given)
        return (
            f"wrong card: CUDA_VISIBLE_DEVICES is {shown} ({place})",
            f"provision up writes the unit of '{engine.name}' again and restarts it",
        )
    if engine.simulated:
        return None  # the lab's engine computes on the CPU: it reports no CUDA buffers
    if engine.vllm is not None:
        return None  # its CUDA build has no way back to the CPU; what it holds of the cards is vram_planned's to say
    return _spill_problem(seen) or _offload_problem(engine, seen) or _report_problem(engine, seen)


def _cards_given(visible: str | None, evidence: Evidence, engine: EngineInstance) -> list[int | None]:
    """Planned indices of the cards the process may use, None for a card the plan does not know."""
    known: dict[str, int] = {}
    for card in evidence.cards(engine.machine):
        device = find_device(evidence.gpu(engine.machine), card)
        if device is not None:
            known |= {str(device.index): card.index} | ({device.uuid: card.index} if device.uuid else {})
    return [known.get(item.strip()) for item in (visible or "").split(",") if item.strip()]


def _spill_problem(seen: EngineObservation) -> tuple[str, str] | None:
    """Ollama starts on the CPU in silence where it found no card in time (ollama#17069)."""
    size, on_cards = seen.props.size_mib, seen.props.size_vram_mib
    if size is None or on_cards is None or on_cards >= size:
        return None
    what = "model on CPU only" if on_cards == 0 else "part of the model on the CPU"
    return (
        f"{what}: {on_cards} of {size} MiB are on the cards",
        "see cuda_init; then free memory on the card or plan a smaller context, and restart the engine",
    )


def _offload_problem(engine: EngineInstance, seen: EngineObservation) -> tuple[str, str] | None:
    done, total = seen.load.layers_offloaded, seen.load.layers_total
    if done is None or total is None:
        return None
    wanted = min(engine.gpu_layers, total) if engine.gpu_layers >= 0 else total
    if done >= wanted:
        return None
    what = "model on CPU only" if done == 0 else "part of the model on the CPU"
    return (
        f"{what}: {done} of {total} layers are on the cards",
        "see cuda_init; then free memory on the card or plan a smaller context, and restart the engine",
    )


def _report_problem(engine: EngineInstance, seen: EngineObservation) -> tuple[str, str] | None:
    """The engine's own buffers on each card against the plan without the context's overhead."""
    reported = buffers_per_card(engine, seen)
    for budget in engine.cards:
        planned = budget.total_mib - budget.overhead_mib
        own = reported.get(budget.card, 0)
        if reported and abs(own - planned) > tolerance_of(planned):
            return (
                f"the engine reports {own} MiB on card {budget.card}, planned are {planned} MiB",
                "if context, slots and quantisation are as planned, the budget is wrong: report it with the receipt",
            )
    return None


def buffers_per_card(engine: EngineInstance, seen: EngineObservation) -> dict[int, int]:
    """What the engine says it allocated on each planned card, MiB; empty where it logged nothing of it."""
    sums: dict[int, float] = {}
    for buffer in seen.load.buffers:
        match = _CUDA.match(buffer.device)
        if match and int(match[1]) < len(engine.cards):
            card = engine.cards[int(match[1])].card
            sums[card] = sums.get(card, 0.0) + buffer.mib
    return {card: round(mib) for card, mib in sums.items()}


def _describe(seen: EngineObservation) -> str:
    name = PurePosixPath(seen.props.model_path or "").name or "its model"
    devices = seen.process.cuda_visible_devices
    place = f", CUDA_VISIBLE_DEVICES={devices}" if devices else ""
    layers = f", {seen.load.layers_offloaded} of {seen.load.layers_total} layers" if seen.load.layers_offloaded else ""
    memory = f", {seen.process.rss_mib} MiB resident in RAM" if seen.process.rss_mib else ""
    return f"{name}{place}{layers}{memory}"


def _name_places(engine: EngineInstance) -> str:
    return _name_cards([budget.card for budget in engine.cards]) if engine.cards else "the CPU"


def _name_cards(cards: Sequence[int | None]) -> str:
    if not cards:
        return "no card"
    return "card " + ", ".join("unknown" if card is None else str(card) for card in cards)


CHECK = Check(
    id="model_resident",
    title="Model where planned",
    asks="Each engine serves the planned file; its CUDA_VISIBLE_DEVICES, offloaded layers and own buffers are "
    "as planned.",
    fails="The engine was given another card, fell back to the CPU, or loads another model.",
    targets=machines_with_engines,
    judge=judge,
    needs=("machine_answers", "driver_match", "gpu_visible", "cuda_init", "service_health"),
)
