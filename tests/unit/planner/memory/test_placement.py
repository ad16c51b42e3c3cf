"""Properties of the memory model, for every model of the catalogue."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.models.architecture import Serving
from provision.planner.memory import cache_bytes, compute_bytes, deal_layers, place, weigh
from tests.unit.planner.memory.test_engine_figures import SHAPES

MODELS = st.sampled_from(sorted(set(SHAPES) - {"deepseek-v4-flash", "deepseek-v4-pro"}))
"""DeepSeek V4's graph takes 50 ms: it is held against the engine, row by row, in test_engine_figures."""
CONTEXTS = st.integers(1, 512).map(lambda step: 256 * step)
SHARES = st.lists(st.floats(0.05, 10, allow_nan=False), min_size=1, max_size=6)
SERVINGS = st.builds(
    Serving,
    context=CONTEXTS,
    parallel=st.integers(1, 16),
    kv=st.sampled_from(["f16", "q8_0", "q4_0"]),
    ubatch=st.sampled_from([64, 512, 2048]),
)


@settings(max_examples=60, deadline=None)
@given(MODELS, SERVINGS, SHARES)
def test_the_cards_together_hold_the_whole(model: str, serving: Serving, shares: list[float]) -> None:
    """Never negative, every layer once, and the sum of the cards is the model and its cache, to a MiB per card."""
    shape = SHAPES[model]
    weights = weigh(shape, "q8_0")
    placed = place(shape, weights, serving, shares, [450] * len(shares))
    assert sum(card.layers for card in placed.cards) == shape.layers + 1
    for card in placed.cards:
        assert min(card.weights_mib, card.kv_mib, card.compute_mib) >= 0
        assert card.total_mib == card.weights_mib + card.kv_mib + card.compute_mib + card.overhead_mib
    on_cards = (sum(weights.layer_bytes) + weights.output_bytes) / 2**20
    assert on_cards <= sum(card.weights_mib for card in placed.cards) <= on_cards + len(shares)
    cached = sum(cache_bytes(shape, serving)) / 2**20
    assert cached <= sum(card.kv_mib for card in placed.cards) <= cached + len(shares)
    assert placed.host_mib >= weights.input_bytes / 2**20


@settings(max_examples=60, deadline=None)
@given(MODELS, SERVINGS, st.data())
def test_more_context_slots_or_bits_never_take_less_cache(model: str, serving: Serving, data: st.DataObject) -> None:
    shape = SHAPES[model]
    least = cache_bytes(shape, serving)
    more: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"context": serving.context + data.draw(CONTEXTS)},
                {"parallel": serving.parallel + data.draw(st.integers(1, 8))},
                {"kv": {"q4_0": "q8_0", "q8_0": "f16", "f16": "f16"}[serving.kv]},
            ]
        )
    )
    most = cache_bytes(shape, serving.model_copy(update=more))
    assert all(less <= further for less, further in zip(least, most, strict=True))


@settings(max_examples=40, deadline=None)
@given(MODELS, CONTEXTS, CONTEXTS, st.sampled_from(["f16", "q8_0"]))
def test_more_context_never_takes_less_in_all(model: str, context: int, further: int, kv: str) -> None:
    """Only the mask grows with the context: best fit may save less than the cache gains."""
    shape, weights = SHAPES[model], weigh(SHAPES[model], "q4_k_m")
    totals = [
        place(shape, weights, Serving.model_validate({"context": c, "kv": kv}), [1.0], [0]).cards[0].total_mib
        for c in (context, context + further)
    ]
    assert totals[0] <= totals[1] + _SLACK_MIB


_SLACK_MIB = 0.03 * 1024
"""The engine's allocator is no monotone function: a larger mask may leave a gap that an expert's result then fills."""


@pytest.mark.parametrize("model", SHAPES)
def test_fewer_bits_never_weigh_more(model: str) -> None:
    sizes = [weigh(SHAPES[model], quant).placed_bytes for quant in ("q4_k_m", "q5_k_m", "q6_k", "q8_0", "bf16")]
    assert sizes == sorted(sizes)


def test_layers_are_dealt_as_the_engine_deals_them() -> None:
    """The output layer counts as one; the embedding table stays on the host."""
    assert deal_layers(3, [1]) == (0, 0, 0, 0)
    assert deal_layers(3, [1, 1]) == (0, 0, 1, 1)
    assert deal_layers(80, [1, 1]).count(0) == 41
    assert deal_layers(4, [1, 0, 3]) == (0, 0, 2, 2, 2)
    assert deal_layers(32, [0.333, 0.333, 0.334]).count(1) == 11


def test_a_card_without_a_layer_holds_only_its_overhead() -> None:
    shape = SHAPES["llama3.1-8b"].model_copy(update={"layers": 2})
    placed = place(shape, weigh(shape, "q8_0"), Serving(), [1, 1, 0.001], [450, 451, 452])
    assert [card.layers for card in placed.cards] == [2, 1, 0]
    assert placed.cards[2].total_mib == 452


def test_a_tied_table_is_held_twice_with_a_card_and_once_without() -> None:
    shape = SHAPES["gemma-3-270m"]
    weights = weigh(shape, "q8_0")
    table = 262144 * 640 * 34 / 32 / 2**20
    beside = place(shape, weights, Serving(context=256), [1], [0])
    alone = place(shape, weights, Serving(context=256, backend="cpu"))
    assert beside.cards[0].weights_mib > table
    assert beside.host_mib > table
    compute, _ = compute_bytes(shape, Serving(context=256, backend="cpu"))
    cache = sum(cache_bytes(shape, Serving(context=256)))
    assert alone.host_mib == pytest.approx((weights.placed_bytes + cache + compute) / 2**20 - table, abs=2)


def test_an_overhead_per_card_is_asked_for() -> None:
    shape = SHAPES["llama3.1-8b"]
    with pytest.raises(ValueError, match="zip"):
        place(shape, weigh(shape, "q8_0"), Serving(), [1, 1], [450])


def test_the_cache_by_hand() -> None:
    """Llama 3.1 8B: 2 x 8 heads x 128 x 2 bytes a token and layer; cells are padded to 256."""
    assert cache_bytes(SHAPES["llama3.1-8b"], Serving(context=1000))[0] == 1024 * 2 * 8 * 128 * 2
    assert cache_bytes(SHAPES["llama3.1-8b"], Serving(context=1000, parallel=3))[0] == 3 * 1024 * 2 * 8 * 128 * 2
    assert cache_bytes(SHAPES["deepseek-r1"], Serving(context=4096))[5] == 4096 * 576 * 2
    gemma = cache_bytes(SHAPES["gemma-3-270m"], Serving(context=32768, parallel=2))
    assert (gemma[0], gemma[5]) == (2 * 1024 * 2 * 256 * 2, 2 * 32768 * 2 * 256 * 2)
    mamba = cache_bytes(SHAPES["codestral-mamba-7b"], Serving(context=131072))
    assert sum(mamba) == 276_299_776
    assert sum(cache_bytes(SHAPES["bge-m3"], Serving())) == 0
