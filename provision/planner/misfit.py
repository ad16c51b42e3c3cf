"""A model of a profile that does not fit: what each card would have to hold, and what would fit in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.errors import PlanError
from provision.models.catalog import Catalog
from provision.models.plan import Card
from provision.planner.alternatives import list_models, list_settings
from provision.planner.demand import Demand, Placed, place
from provision.planner.problems import Problems


def explain_misfit(
    demand: Demand,
    index: int,
    name: str,
    placed: Placed,
    cards: Sequence[Card],
    free: Mapping[int, int],
    catalog: Catalog,
    problems: Problems,
) -> None:
    """Add the problem. `free` is what the models placed before leave on each card, MiB."""
    serving = demand.serving
    numbers = "; ".join(
        f"card {b.card}: {b.total_mib} of {free[b.card]} MiB (weights {b.weights_mib}, KV {b.kv_mib}, "
        f"compute {b.compute_mib}, overhead {b.overhead_mib})"
        for b in placed.budgets
    )
    problems.add(
        f"model '{name}' ({demand.model} {demand.quant}, {serving.parallel} x {serving.context} tokens, "
        f"KV {serving.kv}) does not fit: {'; '.join((numbers, *placed.reasons))}",
        at=f"workload.models.{index}",
        hint=_suggest(demand, cards, free, catalog),
    )


def _suggest(demand: Demand, cards: Sequence[Card], free: Mapping[int, int], catalog: Catalog) -> str:
    def fits(other: Demand, chosen: Sequence[Card]) -> bool:
        try:
            return place(other, chosen, catalog.gpus, free).verdict == "fits"
        except PlanError:
            return False  # vLLM cannot divide that model by so many cards

    settings = [found.setting for found in list_settings(demand, cards, catalog.models.get(demand.model), fits)]
    if settings:
        return f"this would fit: {' or '.join(settings)}"
    other = next(list_models(demand, cards, catalog, fits), None)
    if other:
        return f"no quantisation or context of it fits; {other.setting} would"
    return "no model of the catalogue fits beside the others: use fewer models or larger cards"
