"""What would fit instead, nearest to what was asked first: settings, then other files, cards and models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from provision.models.base import Frozen
from provision.models.catalog import Catalog, ModelEntry
from provision.models.plan import Card
from provision.planner.cards import imagine_cards
from provision.planner.demand import Demand, list_files, weigh_file

STEP_TOKENS = 256
"""llama.cpp rounds the context of a slot up to this."""
LEAST_CONTEXT_TOKENS = 1024
"""Less than this is no help to anybody who asked for more."""
_BITS = {"f16": 0, "fp8": 1, "q8_0": 1, "q4_0": 2}

Fits = Callable[[Demand, Sequence[Card]], bool]


class Alternative(Frozen):
    """`setting` is a line of a profile ('kv: q8_0'), `options` those of `provision fit`, `change` says it in words."""

    setting: str
    options: str
    change: str
    demand: Demand
    cards: tuple[Card, ...]


def largest_context(demand: Demand, cards: Sequence[Card], fits: Fits, *, most: int | None = None) -> int:
    """The largest context per slot that fits, a multiple of 256 tokens or the most there may be; 0 if none does.

    `most` defaults to the model's own maximum.
    """
    most = most or demand.architecture.max_context
    if fits(_with_context(demand, most), cards):
        return most
    low, high = 0, most // STEP_TOKENS
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_with_context(demand, middle * STEP_TOKENS), cards):
            low = middle
        else:
            high = middle - 1
    return low * STEP_TOKENS


def list_settings(demand: Demand, cards: Sequence[Card], entry: ModelEntry | None, fits: Fits) -> Iterator[Alternative]:
    """The same model on the same cards: a smaller cache, fewer slots, less context, a smaller file."""
    for alternative in (
        *_smaller_cache(demand, cards),
        *_fewer_slots(demand, cards, fits),
        *_less_context(demand, cards, fits),
        *_smaller_files(demand, cards, entry),
    ):
        if fits(alternative.demand, alternative.cards):
            yield alternative


def list_cards(demand: Demand, cards: Sequence[Card], catalog: Catalog, fits: Fits) -> Iterator[Alternative]:
    """The same model on more of the same cards, or on one or two others: the least memory that does it."""
    for count in (2, 4, 8):
        more = imagine_cards(catalog.gpus[cards[0].model], count)
        if count > len(cards) and fits(demand, more):
            yield _on(demand, more, f"{count} x {cards[0].model}")
            break
    for entry in sorted(catalog.gpus.values(), key=lambda gpu: (gpu.usable_mib, gpu.id)):
        one = imagine_cards(entry, 1)
        if entry.id != cards[0].model and fits(demand, one):
            yield _on(demand, one, f"one {entry.id}")
            break


def list_models(demand: Demand, cards: Sequence[Card], catalog: Catalog, fits: Fits) -> Iterator[Alternative]:
    """Other models of the same kind on the same cards, the largest first, with the quantisation asked for."""
    for entry in sorted(catalog.models.values(), key=lambda entry: (-entry.parameters_b, entry.id)):
        shape = entry.architecture
        unlike = shape.encoder != demand.architecture.encoder or shape.max_context < demand.serving.context
        if entry.id == demand.model or unlike or demand.serving.engine not in entry.engines:
            continue
        files = list_files(entry, demand.serving.engine)
        for quant in sorted(files, key=lambda quant: (quant.name != demand.quant, -quant.file_mib)):
            other = demand.model_copy(
                update={
                    "model": entry.id,
                    "quant": quant.name,
                    "architecture": shape,
                    "weights": weigh_file(entry, quant.name, demand.serving.engine),
                }
            )
            if fits(other, cards):
                yield Alternative(
                    setting=f"model: {entry.id}, quant: {quant.name}",
                    options=f"--model {entry.id} --quant {quant.name}",
                    change=f"another model: {entry.id} {quant.name}",
                    demand=other,
                    cards=tuple(cards),
                )
                break


def _smaller_cache(demand: Demand, cards: Sequence[Card]) -> Iterator[Alternative]:
    types = ("fp8",) if demand.serving.engine == "vllm" else ("q8_0", "q4_0")
    for kv in types:
        if _BITS[kv] > _BITS[demand.serving.kv]:
            yield _alter(demand.served(kv=kv), cards, "kv", kv, f"KV cache as {kv}")


def _fewer_slots(demand: Demand, cards: Sequence[Card], fits: Fits) -> Iterator[Alternative]:
    for slots in range(demand.serving.parallel - 1, 0, -1):
        fewer = demand.served(parallel=slots)
        if fits(fewer, cards):
            yield _alter(fewer, cards, "parallel", slots, f"{slots} slot{'s' if slots > 1 else ''}")
            return


def _less_context(demand: Demand, cards: Sequence[Card], fits: Fits) -> Iterator[Alternative]:
    context = largest_context(demand, cards, fits, most=demand.serving.context)
    if context >= min(LEAST_CONTEXT_TOKENS, demand.serving.context):
        less = _with_context(demand, context)
        yield _alter(less, cards, "context", context, f"{context} tokens of context per slot")


def _smaller_files(demand: Demand, cards: Sequence[Card], entry: ModelEntry | None) -> Iterator[Alternative]:
    if entry is None:
        return
    engine = demand.serving.engine
    for quant in sorted(list_files(entry, engine), key=lambda quant: -quant.file_mib):
        weights = weigh_file(entry, quant.name, engine)
        if weights.placed_bytes < demand.weights.placed_bytes:
            smaller = demand.model_copy(update={"quant": quant.name, "weights": weights})
            yield _alter(smaller, cards, "quant", quant.name, f"weights as {quant.name}")


def _with_context(demand: Demand, context: int) -> Demand:
    encoder = demand.architecture.encoder
    return demand.served(context=context, **({"ubatch": context} if encoder else {}))


def _alter(demand: Demand, cards: Sequence[Card], option: str, value: object, change: str) -> Alternative:
    return Alternative(
        setting=f"{option}: {value}",
        options=f"--{option} {value}",
        change=change,
        demand=demand,
        cards=tuple(cards),
    )


def _on(demand: Demand, cards: tuple[Card, ...], words: str) -> Alternative:
    model = cards[0].model
    return Alternative(
        setting=f"gpus: {len(cards)} x {model}",
        options=f"--gpu {model} --count {len(cards)}",
        change=f"other cards: {words}",
        demand=demand,
        cards=cards,
    )
