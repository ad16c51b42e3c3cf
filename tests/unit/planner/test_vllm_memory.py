"""vLLM's whole plan beside published logs, what it refuses, and properties (docs/vllm-logs.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import PlanError
from provision.models.architecture import Architecture, Serving
from provision.planner.memory_vllm import VllmPlan, VllmSettings, plan_vllm
from provision.planner.memory_vllm import capacity as pool
from provision.planner.memory_vllm.groups import lay_out_cache
from provision.planner.memory_vllm.plan import Terms, kv_budget_mib
from provision.planner.memory_vllm.weights import weight_bytes_per_card
from tests.unit.planner import vllm_shapes as shapes
from tests.unit.planner.vllm_logs import KV_LOGS, SWEEP, Sweep, cards, serve

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "vllm-logs.md"


@pytest.mark.parametrize("log", [log for log in SWEEP if log.linear], ids=lambda log: f"{log.model}-x{log.cards}")
def test_kv_memory_of_the_whole_plan(log: Sweep) -> None:
    """Everything planned, nothing logged but the card: within 2 % of the card's memory."""
    plan = plan_vllm(
        log.shape,
        shapes.weigh(log.shape, log.linear),
        serve(log).model_copy(update={"parallel": 1024}),
        cards(log.cards),
        VllmSettings(graphs_in_budget=False, prefix_caching=False),
    )
    assert abs(plan.kv_budget_mib / 1024 - log.kv_gib) <= 0.02 * 79.19
    assert plan.starts


def test_the_budget_is_vllms_own_sum() -> None:
    """Llama-3-8B, H100 (vllm-project/vllm#10511): 79.22 * 0.9 - 14.96 - 1.79 - 1.26 = 53.29 GiB; and v0.31.0 on an A100
    (text index 70682754770): 79.25 * 0.92 - 15.26 - 1.44 = 56.21 GiB."""
    for total, utilisation, weights, non_torch, activation, logged in (
        (79.22, 0.9, 14.96, 1.79, 1.26, 53.29),
        (79.25, 0.92, 15.0, 0.26, 1.44, 56.21),
    ):
        terms = Terms(
            weights_mib=round(weights * 1024),
            activation_mib=round(activation * 1024),
            graphs_mib=0,
            non_torch_mib=round(non_torch * 1024),
        )
        (card,) = cards(1, round(total * 1024))
        budget = kv_budget_mib(card, utilisation, terms, graphs_in_budget=True)
        assert budget / 1024 == pytest.approx(logged, abs=0.02)


def test_graphs_come_out_of_the_budget_since_v0_21() -> None:
    """Qwen3-8B on a 24 GB card, defaults of 256 sequences and 2048 tokens (LMCache/LMCache#3430): 6.37 GiB of KV.

    The card's total follows from the log: 0.52 GiB of graphs are 0.9764 - 0.9543 of it, so 23.5 GiB.
    """
    serving = Serving(engine="vllm", parallel=256, ubatch=2048, context=16384, utilisation=0.9764)
    plan = plan_vllm(shapes.QWEN3_8B, shapes.weigh(shapes.QWEN3_8B), serving, cards(1, 24_094))
    assert plan.kv_budget_mib / 1024 == pytest.approx(6.37, abs=0.6)
    without = plan_vllm(
        shapes.QWEN3_8B,
        shapes.weigh(shapes.QWEN3_8B),
        serving,
        cards(1, 24_094),
        VllmSettings(graphs_in_budget=False),
    )
    assert without.kv_budget_mib - plan.kv_budget_mib == plan.cards[0].graphs_mib


def test_nvml_shows_less_than_the_budget_when_idle() -> None:
    """Llama-3.1-8B, v0.31.0, A100 80 GB, utilisation 0.92: nvidia-smi showed 74,143 MiB after the start (budget 74,660,
    of which the activations' peak is not in use; text index 70682754770)."""
    serving = Serving(engine="vllm", parallel=1024, ubatch=8192, context=131072, utilisation=0.92)
    (card,) = plan_vllm(shapes.LLAMA_8B, shapes.weigh(shapes.LLAMA_8B), serving, cards(1, round(79.25 * 1024))).cards
    assert card.idle_mib == pytest.approx(74_143, rel=0.015)
    assert card.total_mib == card.idle_mib + card.activation_mib


def test_one_request_that_does_not_fit_is_said() -> None:
    """gpt-oss-120b on one H100 does not start with its defaults (vllm-project/vllm#23278)."""
    serving = Serving(engine="vllm", context=131072, parallel=1024, ubatch=8192, utilisation=0.9)
    weights = shapes.weigh(shapes.GPT_OSS_120B, 0.6)
    plan = plan_vllm(shapes.GPT_OSS_120B, weights, serving, cards(1))
    assert not plan.starts
    assert plan.max_context_tokens == 0
    assert "pass the budget by" in plan.reasons[0]


def test_free_memory_at_the_start_is_checked() -> None:
    serving = Serving(engine="vllm", utilisation=0.9)
    plan = plan_vllm(shapes.LLAMA_8B, shapes.weigh(shapes.LLAMA_8B), serving, cards(1, taken_mib=20_000))
    assert not plan.starts
    assert plan.reasons == ("card 0 has 60568 MiB free at the start, --gpu-memory-utilization 0.9 wants 72981 MiB",)


def test_slots_that_cannot_all_be_full_wait() -> None:
    serving = Serving(engine="vllm", context=131072, parallel=8, ubatch=2048)
    plan = plan_vllm(shapes.LLAMA_8B, shapes.weigh(shapes.LLAMA_8B), serving, cards(1))
    assert plan.starts
    assert not plan.holds_all_slots
    assert 1 < plan.concurrency < 8
    assert "requests wait" in plan.reasons[0]
    fewer = serving.model_copy(update={"context": plan.max_context_tokens})
    assert plan_vllm(shapes.LLAMA_8B, shapes.weigh(shapes.LLAMA_8B), fewer, cards(1)).holds_all_slots


@pytest.mark.parametrize(
    ("changes", "count", "what"),
    [
        ({"kv": "q8_0"}, 1, "vLLM has no KV cache in q8_0"),
        ({"tensor_parallel": 2}, 1, "1 cards for a tensor parallelism of 2"),
        ({"tensor_parallel": 3}, 3, "32 attention heads cannot be divided over 3 cards"),
    ],
)
def test_what_vllm_refuses(changes: dict[str, object], count: int, what: str) -> None:
    serving = Serving(engine="vllm").model_copy(update=changes)
    with pytest.raises(PlanError, match=what) as caught:
        plan_vllm(shapes.LLAMA_8B, shapes.weigh(shapes.LLAMA_8B), serving, cards(count))
    assert caught.value.hint


def test_the_document_lists_every_log() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for log in KV_LOGS:
        assert log.source.split(" (")[0] in text, log.source
    assert all(f"{log.kv_gib:.2f}" in text and f"{log.blocks:,}" in text for log in SWEEP)


# ---- properties

SHAPES = st.sampled_from(
    [
        shapes.LLAMA_8B,
        shapes.QWEN3_30B,
        shapes.GEMMA3_27B,
        shapes.DEEPSEEK_LITE,
        shapes.LLAMA4_SCOUT,
        shapes.QWEN38_27B,
        shapes.DEEPSEEK_V4_FLASH,
        shapes.CODESTRAL_MAMBA,
    ]
)
SERVINGS = st.builds(
    Serving,
    engine=st.just("vllm"),
    context=st.integers(1, 200_000),
    parallel=st.integers(1, 512),
    kv=st.sampled_from(["f16", "fp8"]),
    ubatch=st.integers(256, 32_768),
    utilisation=st.floats(0.05, 1.0),
    tensor_parallel=st.sampled_from([1, 2, 4, 8]),
)
TOTAL = st.integers(8_000, 280_000)


def plan(shape: Architecture, serving: Serving, total: int) -> VllmPlan:
    return plan_vllm(shape, shapes.weigh(shape, 1.0), serving, cards(serving.tensor_parallel, total))


@settings(max_examples=150, deadline=None)
@given(shape=SHAPES, serving=SERVINGS, total=TOTAL, more=st.floats(0.0, 0.5))
def test_more_utilisation_never_holds_less(shape: Architecture, serving: Serving, total: int, more: float) -> None:
    lower = plan(shape, serving, total)
    higher = plan(shape, serving.model_copy(update={"utilisation": serving.utilisation + more}), total)
    assert higher.kv_blocks >= lower.kv_blocks
    assert higher.concurrency >= lower.concurrency
    assert higher.max_context_tokens >= lower.max_context_tokens


@settings(max_examples=150, deadline=None)
@given(shape=SHAPES, serving=SERVINGS, total=TOTAL, more=st.integers(0, 100_000), slots=st.integers(0, 64))
def test_more_context_or_slots_never_hold_more(
    shape: Architecture, serving: Serving, total: int, more: int, slots: int
) -> None:
    base = plan(shape, serving, total)
    longer = plan(shape, serving.model_copy(update={"context": serving.context + more}), total)
    wider = plan(shape, serving.model_copy(update={"parallel": serving.parallel + slots}), total)
    assert longer.concurrency <= base.concurrency
    assert base.starts or not longer.starts
    assert wider.kv_blocks <= base.kv_blocks
    assert wider.max_context_tokens <= base.max_context_tokens


@settings(max_examples=150, deadline=None)
@given(shape=SHAPES, serving=SERVINGS, total=TOTAL)
def test_nothing_is_negative_and_the_largest_context_is_the_largest(
    shape: Architecture, serving: Serving, total: int
) -> None:
    found = plan(shape, serving, total)
    for card in found.cards:
        assert all(value >= 0 for value in card.model_dump().values())
        inside = card.weights_mib + card.kv_mib + card.activation_mib + card.graphs_mib + card.non_torch_mib
        assert card.total_mib == inside + card.outside_mib
        assert not found.kv_blocks or inside <= card.budget_mib + 2
    assert found.concurrency >= 0
    layout = lay_out_cache(shape, serving, VllmSettings())
    largest = found.max_context_tokens
    if largest:
        assert pool.blocks_per_request(layout, largest, serving.ubatch) * serving.parallel <= found.kv_blocks
    if 0 < largest < shape.max_context:
        assert pool.blocks_per_request(layout, largest + 1, serving.ubatch) * serving.parallel > found.kv_blocks


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, count=st.sampled_from([2, 4, 8]), linear=st.floats(0.5, 2.0))
def test_cards_together_hold_the_whole_and_what_is_replicated(shape: Architecture, count: int, linear: float) -> None:
    weights = shapes.weigh(shape, linear)
    one, each = (weight_bytes_per_card(shape, weights, parts) for parts in (1, count))
    assert one / count <= each <= one
    assert each * count >= one
