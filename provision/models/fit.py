"""The answer of `provision fit`: memory in MiB, rates in tokens/s, times in seconds."""

from __future__ import annotations

from typing import Literal

from provision.models.base import Frozen

Verdict = Literal["fits", "tight", "no"]
"""`fits`: every card's reserve stays free. `tight`: it loads, but eats into the reserve. `no`: it does not load."""


class CardFit(Frozen):
    """What one card holds; `usable_mib` is what CUDA offers."""

    index: int
    weights_mib: int
    kv_mib: int
    compute_mib: int
    overhead_mib: int
    total_mib: int
    usable_mib: int


class Rate(Frozen):
    """Tokens/s: what physics allows at best, and what is to be expected of it."""

    bound: float
    expected: float


class LoadTime(Frozen):
    """Seconds at the least to read the weights from disk and to carry them over PCIe; `total` is the longer one."""

    disk: float
    pcie: float
    total: float


class UsersAt(Frozen):
    """How many may decode at once with each still getting `tok_s`."""

    tok_s: int
    users: int


class Suggestion(Frozen):
    """A change that does fit: as options of `fit`, and in words."""

    options: str
    change: str
    verdict: Verdict


class FitAnswer(Frozen):
    """`max_context_tokens` is per slot with everything else as asked; 0 where none fits."""

    verdict: Verdict
    model: str
    quant: str
    engine: str
    per_gpu: tuple[CardFit, ...]
    host_mib: int
    max_context_tokens: int
    decode_tok_s: Rate | None
    prefill_tok_s: Rate | None
    load_s: LoadTime | None
    users: tuple[UsersAt, ...]
    reasons: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]


class ModelOnCards(Frozen):
    """A catalogue's model on a profile's cards: the largest file that fits, on the fewest cards; else the smallest.

    `max_context_tokens` is what one slot may have at the most; `cards` how many hold the model.
    """

    model: str
    quant: str
    verdict: Verdict
    cards: int
    max_context_tokens: int
    decode_tok_s: Rate | None
    licence_warning: bool
    workload: str | None
