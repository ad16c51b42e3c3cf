"""All models of the catalogue against some cards: what one could serve on what one has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.models.architecture import Serving
from provision.models.catalog import Catalog, ModelEntry
from provision.models.fit import ModelOnCards
from provision.models.plan import Card
from provision.planner import memory
from provision.planner.alternatives import largest_context
from provision.planner.demand import Demand, place_alone
from provision.planner.throughput import decode_rate

CONTEXT_TOKENS = 8192
"""What a file must leave room for, one slot of f16 cache; a model with a shorter context has its own maximum."""


def survey_models(catalog: Catalog, cards: Sequence[Card]) -> tuple[ModelOnCards, ...]:
    """A row per model that llama.cpp serves from a file of known format, in the order of size."""
    return tuple(
        _survey(entry, catalog, cards)
        for entry in sorted(catalog.models.values(), key=lambda entry: (entry.parameters_b, entry.id))
        if "llama.cpp" in entry.engines and entry.quants
    )


def _survey(entry: ModelEntry, catalog: Catalog, cards: Sequence[Card]) -> ModelOnCards:
    if not _may_fit(entry, cards):
        return _refuse(entry, cards)
    for demand, chosen in _list_ways(entry, cards):
        placed = place_alone(demand, chosen, catalog.gpus)
        if placed.verdict == "fits":
            break
    fitting = placed.verdict == "fits"

    def fits(other: Demand, on: Sequence[Card]) -> bool:
        return place_alone(other, on, catalog.gpus).verdict == "fits"

    return ModelOnCards(
        model=entry.id,
        quant=demand.quant,
        verdict=placed.verdict,
        cards=len(chosen),
        max_context_tokens=largest_context(demand, chosen, fits) if fitting else 0,
        decode_tok_s=decode_rate(demand, chosen, placed) if fitting else None,
        licence_warning=_is_warned_of(entry),
        workload=entry.workload,
    )


def _may_fit(entry: ModelEntry, cards: Sequence[Card]) -> bool:
    """Whether it is worth a look: of a file, at most the embedding table (in two bytes) can stay off the cards."""
    smallest = min(quant.file_mib for quant in entry.quants)
    table = entry.architecture.vocabulary * entry.architecture.embedding * 2 / 2**20
    return smallest - table <= sum(card.usable_mib for card in cards)


def _refuse(entry: ModelEntry, cards: Sequence[Card]) -> ModelOnCards:
    return ModelOnCards(
        model=entry.id,
        quant=min(entry.quants, key=lambda quant: quant.file_mib).name,
        verdict="no",
        cards=len(cards),
        max_context_tokens=0,
        decode_tok_s=None,
        licence_warning=_is_warned_of(entry),
        workload=entry.workload,
    )


def _is_warned_of(entry: ModelEntry) -> bool:
    return any(finding.severity == "warning" for finding in entry.findings)


def _list_ways(entry: ModelEntry, cards: Sequence[Card]) -> Iterator[tuple[Demand, tuple[Card, ...]]]:
    """Every file from the largest to the smallest, each on the largest single card, then on all cards.

    A file whose weights alone pass the cards' memory is left out; the last way, the smallest file, is always there.
    """
    shape = entry.architecture
    context = min(CONTEXT_TOKENS, shape.max_context)
    serving = Serving(context=context, ubatch=context if shape.encoder else Serving().ubatch)
    single = max(cards, key=lambda card: card.usable_mib)
    files = sorted(entry.quants, key=lambda quant: -quant.file_mib)
    room = sum(card.usable_mib for card in cards)
    for quant in files:
        if quant.file_mib > 2 * room and quant is not files[-1]:
            continue  # not worth weighing
        weights = memory.weigh(shape, quant.name)
        demand = Demand(model=entry.id, quant=quant.name, architecture=shape, weights=weights, serving=serving)
        on_cards = (sum(weights.layer_bytes) + weights.output_bytes) / 2**20
        for chosen in dict.fromkeys(((single,), tuple(cards))):
            last = quant is files[-1] and len(chosen) == len(cards)
            if last or on_cards <= sum(card.usable_mib for card in chosen):
                yield demand, chosen
