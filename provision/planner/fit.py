"""The answer of `provision fit`, pure: one model on cards that nobody needs to have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from provision.errors import PlanError
from provision.models.catalog import Catalog, ModelEntry
from provision.models.fit import CardFit, FitAnswer, Suggestion
from provision.models.plan import Card
from provision.planner.alternatives import Alternative, largest_context, list_cards, list_models, list_settings
from provision.planner.demand import Demand, Placed, place_alone, reserve_of
from provision.planner.throughput import count_users, decode_rate, load_time, prefill_rate

MODELS_SUGGESTED = 2


def answer_fit(
    demand: Demand, cards: Sequence[Card], catalog: Catalog, *, entry: ModelEntry | None, notes: Sequence[str] = ()
) -> FitAnswer:
    """Verdict with reasons, what each card holds, how fast at best, and what would fit where it does not.

    `entry` is the catalogue's, None for a file of the user's own; `notes` are said first.
    """
    placed = place_alone(demand, cards, catalog.gpus)
    verdict = placed.verdict
    usable = {card.index: card.usable_mib for card in cards}

    def loads(other: Demand, chosen: Sequence[Card]) -> bool:
        return place_alone(other, chosen, catalog.gpus).verdict != "no"

    return FitAnswer(
        verdict=verdict,
        model=demand.model,
        quant=demand.quant,
        engine=demand.serving.engine,
        per_gpu=tuple(
            CardFit(
                index=budget.card,
                weights_mib=budget.weights_mib,
                kv_mib=budget.kv_mib,
                compute_mib=budget.compute_mib,
                overhead_mib=budget.overhead_mib,
                total_mib=budget.total_mib,
                usable_mib=usable[budget.card],
            )
            for budget in placed.budgets
        ),
        host_mib=placed.host_mib,
        max_context_tokens=largest_context(demand, cards, loads),
        decode_tok_s=decode_rate(demand, cards, placed),
        prefill_tok_s=prefill_rate(demand, catalog.gpus, cards),
        load_s=load_time(cards, placed, catalog.gpus),
        users=count_users(demand, cards, placed, catalog.gpus),
        reasons=(*notes, *_reasons(placed, cards)),
        suggestions=tuple(_suggest(demand, cards, catalog, entry)) if verdict != "fits" else (),
    )


def _reasons(placed: Placed, cards: Sequence[Card]) -> Iterator[str]:
    yield from placed.reasons
    for card, budget in zip(cards, placed.budgets, strict=True):
        free, reserve = card.usable_mib - budget.total_mib, reserve_of(card)
        if free < 0:
            yield (
                f"card {card.index} would have to hold {budget.total_mib} MiB and offers {card.usable_mib}: "
                f"{-free} MiB too much"
            )
        elif placed.verdict == "tight" and free < reserve:
            yield f"card {card.index} keeps {free} MiB free, less than the reserve of {reserve} MiB"
        elif placed.verdict == "fits":
            yield f"card {card.index} keeps {free} MiB free beyond what the model takes"


def _suggest(demand: Demand, cards: Sequence[Card], catalog: Catalog, entry: ModelEntry | None) -> Iterator[Suggestion]:
    def fits(other: Demand, chosen: Sequence[Card]) -> bool:
        try:
            return place_alone(other, chosen, catalog.gpus).verdict == "fits"
        except PlanError:
            return False  # vLLM cannot divide that model by so many cards

    found: list[Alternative] = [
        *list_settings(demand, cards, entry, fits),
        *list_cards(demand, cards, catalog, fits),
        *islice(list_models(demand, cards, catalog, fits), MODELS_SUGGESTED),
    ]
    for alternative in found:
        yield Suggestion(options=alternative.options, change=alternative.change, verdict="fits")
