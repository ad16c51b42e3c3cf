"""What would fit where a model does not: a computed hint instead of 'too large'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provision.models.catalog import Catalog
from provision.models.plan import Card, CardBudget
from provision.models.profile import WorkloadModel
from provision.planner import vram
from provision.planner.problems import Problems

_STEP = 256
"""Contexts are rounded to llama.cpp's cell padding."""


def explain_misfit(
    model: WorkloadModel,
    demand: vram.Demand,
    index: int,
    cards: Sequence[Card],
    budgets: Sequence[CardBudget],
    free: Mapping[int, int],
    catalog: Catalog,
    problems: Problems,
) -> None:
    """Say what each card would have to hold, and what would fit in its place."""
    numbers = "; ".join(
        f"card {b.card}: {b.total_mib} of {free[b.card]} MiB (weights {b.weights_mib}, KV {b.kv_mib}, "
        f"compute {b.compute_mib}, overhead {b.overhead_mib})"
        for b in budgets
    )
    problems.add(
        f"model '{model.name}' ({demand.entry.id} {model.quant}, {demand.parallel} x {demand.context} tokens, "
        f"KV {demand.kv}) does not fit: {numbers}",
        at=f"workload.models.{index}",
        hint=_suggest(model, demand, cards, free, catalog),
    )


def largest_context(demand: vram.Demand, cards: Sequence[Card], free: Mapping[int, int], catalog: Catalog) -> int:
    """The largest context per slot that fits, a multiple of 256 tokens; 0 if none does."""
    low, high = 0, demand.entry.max_context // _STEP
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(demand.model_copy(update={"context": middle * _STEP}), cards, free, catalog):
            low = middle
        else:
            high = middle - 1
    return low * _STEP


def _suggest(
    model: WorkloadModel, demand: vram.Demand, cards: Sequence[Card], free: Mapping[int, int], catalog: Catalog
) -> str:
    options = []
    context = largest_context(demand, cards, free, catalog)
    if context >= _STEP:
        options.append(f"context: {context}")
    options += [f"kv: {kv}" for kv in _smaller_kv(demand, cards, free, catalog)][:1]
    options += [f"quant: {name}" for name in _smaller_quants(demand, cards, free, catalog)][:1]
    if options:
        return f"this would fit: {' or '.join(options)}"
    other = next(_other_models(model, demand, cards, free, catalog), None)
    if other:
        return f"no quantisation or context of it fits; {other} would"
    return "no model of the catalogue fits beside the others: use fewer models or larger cards"


def _smaller_kv(demand: vram.Demand, cards: Sequence[Card], free: Mapping[int, int], catalog: Catalog) -> Iterator[str]:
    if demand.kv == "f16" and _fits(demand.model_copy(update={"kv": "q8_0"}), cards, free, catalog):
        yield "q8_0"


def _smaller_quants(
    demand: vram.Demand, cards: Sequence[Card], free: Mapping[int, int], catalog: Catalog
) -> Iterator[str]:
    for quant in sorted(demand.entry.quants, key=lambda quant: -quant.file_mib):
        smaller = demand.model_copy(update={"file_mib": quant.file_mib})
        if quant.file_mib < demand.file_mib and _fits(smaller, cards, free, catalog):
            yield quant.name


def _other_models(
    model: WorkloadModel, demand: vram.Demand, cards: Sequence[Card], free: Mapping[int, int], catalog: Catalog
) -> Iterator[str]:
    for entry in sorted(catalog.models.values(), key=lambda entry: (-entry.parameters_b, entry.id)):
        if entry.id == demand.entry.id or entry.max_context < demand.context:
            continue
        for quant in sorted(entry.quants, key=lambda quant: (quant.name != model.quant, -quant.file_mib)):
            other = demand.model_copy(update={"entry": entry, "file_mib": quant.file_mib})
            if _fits(other, cards, free, catalog):
                yield f"{entry.id} {quant.name}"


def _fits(demand: vram.Demand, cards: Sequence[Card], free: Mapping[int, int], catalog: Catalog) -> bool:
    overheads = [catalog.gpus[card.model].context_overhead_mib for card in cards]
    shares = vram.share_room(demand, [free[card.index] for card in cards], overheads)
    return all(b.total_mib <= free[b.card] for b in vram.budget_cards(demand, cards, overheads, shares))
