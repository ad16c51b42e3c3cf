"""Throughput: expected figures beside measured ones, bounds that nothing measured passes, and properties."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.models.fit import Rate
from provision.planner.speed import (
    LoadPart,
    Mixture,
    Split,
    Stage,
    count_users,
    decode_rate,
    expected_share,
    load_time,
    prefill_rate,
    step_seconds,
    user_rate,
    weight_growth,
)

GB = 1e9


class Measured(NamedTuple):
    """`gigabytes` of active weights; `kv` of the cache at the context measured. `old` kernels of 2023."""

    run: str
    bandwidth: float
    cards: int
    gigabytes: float
    parameters: float
    experts: bool
    tok_s: float
    kv: float = 0.0
    old: bool = False


MEASURED = (
    # XiongjieDai/GPU-Benchmarks-on-LLM-Inference (May 2024; A100, H100 and RTX 6000 Ada: December 2023)
    Measured("70B Q4_K_M, 2x RTX 4090", 1008, 2, 42.5, 70.6e9, False, 19.06, kv=0.17),
    Measured("70B Q4_K_M, 2x RTX 3090", 936, 2, 42.5, 70.6e9, False, 16.29, kv=0.17),
    Measured("8B Q4_K_M, RTX 4090", 1008, 1, 4.92, 8e9, False, 127.7),
    Measured("8B F16, RTX 4090", 1008, 1, 16.07, 8e9, False, 54.3),
    Measured("70B Q4_0, RTX 6000 Ada", 960, 1, 39.0, 69e9, False, 17.0, old=True),
    Measured("70B Q4_0, A100 80 GB", 2039, 1, 39.0, 69e9, False, 25.7, old=True),
    Measured("70B Q4_0, H100 PCIe", 2039, 1, 39.0, 69e9, False, 25.9, old=True),
    # llmfit benchmark_cache; continuum PR #1627 (221.7)
    Measured("Qwen3-8B Q4_K_M, RTX 5090", 1792, 1, 5.02, 8.2e9, False, 227),
    # llmfit benchmark_cache: the bound of vram.md 3.3, 370 tokens/s
    Measured("gpt-oss-20b MXFP4, RTX 3090", 936, 1, 936 / 370, 3.6e9, True, 180),
    # llmfit PR #917: the bound of vram.md 3.3 with 8-bit dense layers, 77 tokens/s
    Measured("gpt-oss-120b, GB10 (Ollama)", 273, 1, 273 / 77, 5.1e9, True, 43.9),
    Measured("gpt-oss-120b, GB10 (vLLM)", 273, 1, 273 / 77, 5.1e9, True, 58.8),
    # Text index 70682754770: vLLM 0.31.0, 11.5 ms a token
    Measured("Llama-3.1-8B bf16, A100 80 GB", 2039, 1, 15.0, 8e9, False, 87),
)


def stages_of(run: Measured) -> list[Stage]:
    part = 1 / run.cards
    return [
        Stage(bandwidth_gb_s=run.bandwidth, weight_bytes=run.gigabytes * GB * part, kv_bytes=run.kv * GB * part)
        for _ in range(run.cards)
    ]


@pytest.mark.parametrize("run", MEASURED, ids=lambda run: run.run)
def test_expected_is_near_what_was_measured(run: Measured) -> None:
    """Between 0.55 and 1.2 times the measured rate; with kernels of 2023 up to 1.65 times."""
    rate = decode_rate(stages_of(run), "layers", expected_share(run.parameters, experts=run.experts))
    assert run.tok_s < rate.bound
    assert 0.55 <= rate.expected / run.tok_s <= (1.65 if run.old else 1.2)


def test_the_bound_of_70b_on_two_cards_is_that_of_the_table() -> None:
    """vram.md 3.3: 23.7 tokens/s, which is one card's bandwidth over all bytes."""
    two = [Stage(bandwidth_gb_s=1008, weight_bytes=21.25 * GB)] * 2
    assert decode_rate(two, "layers", 0.8) == Rate(bound=23.7, expected=19.0)
    assert decode_rate(two, "tensor", 0.8).bound == pytest.approx(47.4, abs=0.1)


def test_unequal_cards_add_their_times_or_wait_for_the_slowest() -> None:
    stages = [Stage(bandwidth_gb_s=1000, weight_bytes=10 * GB), Stage(bandwidth_gb_s=500, weight_bytes=10 * GB)]
    assert step_seconds(stages, "layers") == pytest.approx(0.03)
    assert step_seconds(stages, "tensor") == pytest.approx(0.02)


def test_shares() -> None:
    assert [expected_share(size, experts=False) for size in (8e9, 29.9e9, 30e9, 70e9)] == [0.6, 0.6, 0.8, 0.8]
    assert expected_share(671e9, experts=True) == 0.45


def test_prefill_of_70b_on_two_cards() -> None:
    """905 tokens/s were measured (XiongjieDai, pp1024, two RTX 4090s of 165 TFLOPS): 39 % of the bound."""
    rate = prefill_rate([165, 165], 70.6e9)
    assert rate.bound == pytest.approx(2337, abs=1)
    assert rate.expected / 905 == pytest.approx(1.16, abs=0.01)


def test_prefill_of_8b_on_an_a100() -> None:
    """2,035 tokens in 140 ms (text index 70682754770): 14,536 tokens/s, 74 % of 312 TFLOPS / (2 * 8e9)."""
    rate = prefill_rate([312], 8.03e9)
    assert rate.expected < 2035 / 0.140 < rate.bound


def test_experts_read_more_with_every_sequence_until_all_are_read() -> None:
    """8 of 128 experts: of 32 GB of experts one token reads 2, and 1 GB of the rest."""
    mixture = Mixture(count=128, used=8, total_bytes=33 * GB)
    assert weight_growth(3 * GB, mixture, 1) == pytest.approx(1)
    assert weight_growth(3 * GB, mixture, 2) == pytest.approx((1 + 32 * (1 - (15 / 16) ** 2)) / 3)
    assert weight_growth(3 * GB, mixture, 10_000) == pytest.approx(33 / 3)
    assert weight_growth(3 * GB, None, 64) == 1


def test_users_share_the_weights_but_not_their_caches() -> None:
    """100 GB/s, 1 GB of weights, 0.1 GB of cache each: 9 users take 0.019 s a token, which is 52.6 tokens/s."""
    stages = [Stage(bandwidth_gb_s=100, weight_bytes=1 * GB, kv_bytes=0.1 * GB)]
    assert user_rate(stages, "layers", 1.0, 9) == pytest.approx(1 / 0.019)
    assert count_users(stages, "layers", 1.0, 52, limit=64).users == 9
    assert count_users(stages, "layers", 1.0, 52, limit=4).users == 4
    assert count_users(stages, "layers", 1.0, 91, limit=64).users == 0


def test_a_batch_cannot_pass_the_arithmetic() -> None:
    stages = [Stage(bandwidth_gb_s=1000, weight_bytes=1 * GB)]
    compute = Rate(bound=4000, expected=2000)
    assert count_users(stages, "layers", 1.0, 100, limit=1000).users == 1000
    assert count_users(stages, "layers", 1.0, 100, limit=1000, compute=compute).users == 20


def test_load_time_is_that_of_the_slower_way() -> None:
    """40 GB over two cards: 8 s at 5 GB/s from disk; 20 GB at 80 % of 31.5 GB/s are 0.8 s."""
    parts = [LoadPart(weight_bytes=20 * GB, pcie_gb_s=31.5)] * 2
    found = load_time(parts)
    assert (found.disk, found.pcie, found.total) == (8.0, 0.8, 8.0)
    assert load_time(parts, disk_gb_s=100).total == 0.8
    assert load_time([]).total == 0


def test_measured_loads_are_slower_than_the_bound() -> None:
    """vllm-project/vllm#14011: 15.4 GB a rank took 8.8 s."""
    assert load_time([LoadPart(weight_bytes=15.4 * GB, pcie_gb_s=31.5)], disk_gb_s=7.0).total < 8.8


# ---- properties

STAGES = st.lists(
    st.builds(
        Stage,
        bandwidth_gb_s=st.floats(50, 8000),
        weight_bytes=st.floats(1e6, 1e12),
        kv_bytes=st.floats(0, 1e11),
    ),
    min_size=1,
    max_size=8,
)
SPLITS: st.SearchStrategy[Split] = st.sampled_from(["layers", "tensor"])
MIXTURES = st.one_of(
    st.none(),
    st.builds(Mixture, count=st.integers(2, 512), used=st.integers(1, 16), total_bytes=st.floats(1e6, 2e12)),
)


@given(stages=STAGES, split=SPLITS, wanted=st.integers(1, 100), more=st.integers(0, 100), mixture=MIXTURES)
def test_fewer_are_served_faster(
    stages: list[Stage], split: Split, wanted: int, more: int, mixture: Mixture | None
) -> None:
    slow = count_users(stages, split, 0.6, wanted, limit=256, mixture=mixture).users
    fast = count_users(stages, split, 0.6, wanted + more, limit=256, mixture=mixture).users
    assert 0 <= fast <= slow <= 256


@given(stages=STAGES, split=SPLITS, wanted=st.integers(1, 100), mixture=MIXTURES)
def test_the_batch_found_is_the_largest(
    stages: list[Stage], split: Split, wanted: int, mixture: Mixture | None
) -> None:
    users = count_users(stages, split, 0.6, wanted, limit=256, mixture=mixture).users
    if users:
        assert user_rate(stages, split, 0.6, users, mixture=mixture) >= wanted
    if users < 256:
        assert user_rate(stages, split, 0.6, users + 1, mixture=mixture) < wanted


@given(stages=STAGES, split=SPLITS, share=st.floats(0.1, 1.0), users=st.integers(1, 500), mixture=MIXTURES)
def test_more_users_are_never_faster_each_and_never_slower_together(
    stages: list[Stage], split: Split, share: float, users: int, mixture: Mixture | None
) -> None:
    one = user_rate(stages, split, share, users, mixture=mixture)
    more = user_rate(stages, split, share, users + 1, mixture=mixture)
    assert 0 < more <= one * (1 + 1e-9)
    assert more * (users + 1) >= one * users * (1 - 1e-9)


@given(stages=STAGES, share=st.floats(0.1, 1.0))
def test_tensor_parallelism_is_never_slower_than_a_layer_split(stages: list[Stage], share: float) -> None:
    layers, tensor = decode_rate(stages, "layers", share), decode_rate(stages, "tensor", share)
    assert 0 <= layers.expected <= layers.bound <= tensor.bound
