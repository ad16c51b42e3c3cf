"""Throughput from physics: no token before every active weight was read once, no prompt faster than its arithmetic.

Plain data goes in (bytes, GB/s), so that it serves llama.cpp and vLLM alike. Bounds are hard; `expected` is a share
of them that published measurements reach (docs/vllm-logs.md has the table and the sources).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from provision.models.base import Frozen
from provision.models.fit import LoadTime, Rate, UsersAt

Split = Literal["layers", "tensor"]
"""`layers`: the cards work one after the other; `tensor`: all at once, each on its part."""

SHARE_EXPERTS, SHARE_SMALL, SHARE_LARGE = 0.45, 0.6, 0.8
LARGE_PARAMETERS = 30e9
SHARE_PREFILL = 0.45
"""The middle of 30 to 60 %: an assumption (905 tokens/s of Llama 3 70B on two RTX 4090s are 39 %)."""
DISK_GB_S = 5.0
"""NVMe of generation 4, the lower end of 5 to 7 GB/s: an assumption."""
PCIE_SHARE = 0.8
"""What copies reach of a link's rate (about 25 of 31.5 GB/s for generation 4 with 16 lanes): an assumption."""


class Stage(Frozen):
    """One card's part of a token: bytes of active weights, and of one sequence's KV cache at the context in mind."""

    bandwidth_gb_s: float
    weight_bytes: float
    kv_bytes: float = 0.0


class Mixture(Frozen):
    """Experts of a model. `total_bytes` of all cards' weights without the embedding table, of which one token reads
    the active ones; `used` of `count` experts per token."""

    count: int
    used: int
    total_bytes: float


class LoadPart(Frozen):
    """One card's weights and its link, one direction, before protocol overhead."""

    weight_bytes: float
    pcie_gb_s: float


def expected_share(parameters: float, *, experts: bool) -> float:
    """What decoding reaches of the bound: 0.45 with experts, 0.8 for dense models from 30 billion parameters, else 0.6.

    Source: measured ratios of 0.48 and 0.57 (gpt-oss), 0.74 and 0.80 (70B), 0.62 and 0.64 (8B); see the tests.
    """
    if experts:
        return SHARE_EXPERTS
    return SHARE_LARGE if parameters >= LARGE_PARAMETERS else SHARE_SMALL


def decode_rate(stages: Sequence[Stage], split: Split, share: float) -> Rate:
    """Tokens/s of a single sequence: bandwidth / (active weight bytes + KV bytes). Zero bytes give a rate of 0."""
    return _rate(step_seconds(stages, split), share)


def step_seconds(stages: Sequence[Stage], split: Split, *, users: int = 1, growth: float = 1.0) -> float:
    """Seconds, at the least, for one token of each of `users`: weights are read once for all of them, each cache for
    itself. `growth` is how much more of the weights a batch reads than one sequence does."""
    times = [(stage.weight_bytes * growth + stage.kv_bytes * users) / (stage.bandwidth_gb_s * 1e9) for stage in stages]
    return sum(times) if split == "layers" else max(times, default=0.0)


def weight_growth(active_bytes: float, mixture: Mixture | None, users: int) -> float:
    """How much of the weights a batch reads, in units of what one token reads.

    Experts are taken as drawn evenly: of E bytes of experts a batch reads E * (1 - (1 - used/count)^users).
    """
    if mixture is None or mixture.used >= mixture.count or active_bytes <= 0:
        return 1.0
    one = mixture.used / mixture.count
    experts = min(max(0.0, mixture.total_bytes - active_bytes) / (1 - one), active_bytes / one)
    return 1 + experts * (1 - (1 - one) ** users - one) / active_bytes


def user_rate(
    stages: Sequence[Stage],
    split: Split,
    share: float,
    users: int,
    *,
    mixture: Mixture | None = None,
    compute: Rate | None = None,
) -> float:
    """Expected tokens/s that each of `users` gets. `compute` is the prefill rate: a batch cannot pass it in sum."""
    active = sum(stage.weight_bytes for stage in stages)
    seconds = step_seconds(stages, split, users=users, growth=weight_growth(active, mixture, users))
    rate = share / seconds if seconds > 0 else 0.0
    return min(rate, compute.expected / users) if compute is not None else rate


def count_users(
    stages: Sequence[Stage],
    split: Split,
    share: float,
    tok_s: int,
    *,
    limit: int,
    mixture: Mixture | None = None,
    compute: Rate | None = None,
) -> UsersAt:
    """The largest batch, up to `limit` (what the KV cache holds), in which each still gets `tok_s`; 0 if not even one
    does."""

    def enough(users: int) -> bool:
        return user_rate(stages, split, share, users, mixture=mixture, compute=compute) >= tok_s

    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if enough(middle) else (low, middle - 1)
    return UsersAt(tok_s=tok_s, users=low)


def prefill_rate(tflops: Sequence[float], active_parameters: float) -> Rate:
    """Tokens/s of prompts: dense TFLOPS / (2 * active parameters). All cards count, for a layer split works on several
    pieces of a prompt at once."""
    if active_parameters <= 0:
        return Rate(bound=0.0, expected=0.0)
    return _rate(2 * active_parameters / (sum(tflops) * 1e12) if sum(tflops) > 0 else 0.0, SHARE_PREFILL)


def load_time(parts: Sequence[LoadPart], *, disk_gb_s: float = DISK_GB_S) -> LoadTime:
    """Seconds, at the least: all bytes from the disk, and each card's over its own link; the slower decides."""
    disk = sum(part.weight_bytes for part in parts) / (disk_gb_s * 1e9)
    pcie = max((part.weight_bytes / (part.pcie_gb_s * PCIE_SHARE * 1e9) for part in parts), default=0.0)
    return LoadTime(disk=round(disk, 1), pcie=round(pcie, 1), total=round(max(disk, pcie), 1))


def _rate(seconds: float, share: float) -> Rate:
    bound = 1 / seconds if seconds > 0 else 0.0
    return Rate(bound=round(bound, 1), expected=round(bound * share, 1))
