"""Which of the catalogue's models are loaded, for the cards at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bench.gpu_data import file_bytes
from provision.models.base import Frozen
from provision.models.catalog import ModelEntry
from provision.models.profile import KvType, WorkloadModel
from provision.planner.memory.quantisation import MIXTURES
from provision.planner.memory.tensors import FAMILIES

CONTEXT, SLOTS = 8192, 2
_KV: tuple[KvType, ...] = ("f16", "q8_0")
_WORTH_TIMING = 4 * 2**30
"""Bytes: below, the launches of kernels weigh more than the bandwidth."""


_WORTH_WAITING = 20 * 2**30
"""Bytes: a hole is read page by page too, and 75 GB of it shows no more than 20 GB."""


class Case(Frozen):
    """A model's file as it is served, on the first `cards` cards; on none: by the CPU."""

    model: str
    quant: str
    context: int
    parallel: int
    kv: KvType
    cards: int
    encoder: bool = False
    experts: bool = False
    file_bytes: int

    @property
    def workload(self) -> WorkloadModel:
        """As a profile would ask for it."""
        return WorkloadModel(
            name="check", model=self.model, quant=self.quant, context=self.context, parallel=self.parallel, kv=self.kv
        )

    @property
    def title(self) -> str:
        return f"{self.model} {self.quant}"


Fits = Callable[[Case], bool]


def make_case(entry: ModelEntry, quant: str, cards: int, number: int = 0) -> Case:
    """`number` alternates the type of the KV cache. An encoder gets one slot: its whole input is one batch."""
    shape = entry.architecture
    return Case(
        model=entry.id,
        quant=quant,
        context=min(CONTEXT, shape.max_context),
        parallel=1 if shape.encoder else SLOTS,
        kv="f16" if shape.encoder else _KV[number % len(_KV)],
        cards=cards,
        encoder=shape.encoder,
        experts=shape.experts is not None,
        file_bytes=file_bytes(shape, quant),
    )


def choose_for_memory(models: Mapping[str, ModelEntry], cards: int, fits: Fits) -> tuple[Case, ...]:
    """Each model in its largest file up to 20 GiB that fits one card (the CPU where `cards` is 0), else in its smallest
    that fits: first one model of every family, small before large, then the others. With several cards, the smallest
    file that does not fit on one comes before them."""
    entries = [entry for entry in models.values() if entry.architecture.family in FAMILIES]
    single = [found for n, entry in enumerate(entries) if (found := _choose_file(entry, min(1, cards), n, fits))]
    single.sort(key=lambda case: case.file_bytes)
    seen: set[str] = set()
    first: list[Case] = []
    for case in single:
        family = models[case.model].architecture.family
        if family not in seen:
            seen.add(family)
            first.append(case)
    rest = [case for case in single if case not in first]
    spread = [case for entry in entries for case in _list_files(entry, cards) if cards > 1 and _needs_all(case, fits)]
    return (*sorted(spread, key=lambda case: case.file_bytes)[:1], *first, *rest)


def _needs_all(case: Case, fits: Fits) -> bool:
    return fits(case) and not fits(case.model_copy(update={"cards": 1}))


def choose_for_speed(models: Mapping[str, ModelEntry], cards: int, fits: Fits, most_bytes: int) -> tuple[Case, ...]:
    """A small and the largest dense model and the largest with experts that fit one card, in files of at most
    `most_bytes`. Encoders write no text."""
    found = [
        case
        for entry in models.values()
        if entry.architecture.family in FAMILIES and not entry.architecture.encoder
        for quant in _known_quants(entry)
        if (case := make_case(entry, quant, min(1, cards))).file_bytes <= most_bytes and fits(case)
    ]
    found.sort(key=lambda case: case.file_bytes)
    dense, experts = [case for case in found if not case.experts], [case for case in found if case.experts]
    small = [case for case in dense if case.file_bytes >= _WORTH_TIMING][:1] or dense[-1:]
    return tuple(dict.fromkeys((*small, *dense[-1:], *experts[-1:])))


def read_cases(words: Iterable[str], models: Mapping[str, ModelEntry], cards: int) -> tuple[Case, ...]:
    """From "model:quant"; raises KeyError for a model that the catalogue has not."""
    split = [word.partition(":") for word in words]
    return tuple(make_case(models[name], quant, cards, n) for n, (name, _, quant) in enumerate(split))


def _choose_file(entry: ModelEntry, cards: int, number: int, fits: Fits) -> Case | None:
    fitting = [case for case in _list_files(entry, cards, number) if fits(case)]
    quick = [case for case in fitting if case.file_bytes <= _WORTH_WAITING]
    return quick[-1] if quick else fitting[0] if fitting else None


def _list_files(entry: ModelEntry, cards: int, number: int = 0) -> list[Case]:
    """Small before large."""
    cases = [make_case(entry, quant, cards, number) for quant in _known_quants(entry)]
    return sorted(cases, key=lambda case: case.file_bytes)


def _known_quants(entry: ModelEntry) -> list[str]:
    return [quant.name for quant in entry.quants if quant.name in MIXTURES]
