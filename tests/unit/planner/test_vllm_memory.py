"""vLLM's memory, held against its published start-up logs term by term (docs/vllm-logs.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import PlanError
from provision.models.architecture import Architecture, Serving
from provision.planner.memory_vllm import VllmCard, VllmPlan, VllmSettings, plan_vllm
from provision.planner.memory_vllm import capacity as pool
from provision.planner.memory_vllm.groups import lay_out_cache
from provision.planner.memory_vllm.plan import Terms, kv_budget_mib
from provision.planner.memory_vllm.runtime import activation_bytes, count_capture_sizes, graphs_bytes, non_torch_mib
from provision.planner.memory_vllm.weights import weight_bytes_per_card
from tests.unit.planner import vllm_shapes as shapes
from tests.unit.planner.vllm_logs import KV_LOGS, OTHER_RANK_DECIDES, SWEEP, KvLog, Sweep

GIB = 2**30
ROUNDING_GIB = 0.006
"""Logs have two digits of a GiB."""
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "vllm-logs.md"

sweep = pytest.mark.parametrize("log", SWEEP, ids=[f"{log.model}-x{log.cards}" for log in SWEEP])


def serve(log: Sweep) -> Serving:
    return Serving(
        engine="vllm",
        context=log.context,
        parallel=1024,
        kv=log.kv,
        ubatch=8192,
        tensor_parallel=log.cards,
        utilisation=log.utilisation,
    )


def cards(count: int, total_mib: int = 81090, *, nvlink: bool = True, taken_mib: int = 0) -> list[VllmCard]:
    return [
        VllmCard(index=index, total_mib=total_mib, context_mib=522, nvlink=nvlink, taken_mib=taken_mib)
        for index in range(count)
    ]


# ---- the cache: arithmetic, so nothing but the log's rounding may differ


@sweep
def test_blocks_follow_from_the_logged_kv_memory(log: Sweep) -> None:
    layout = lay_out_cache(log.shape, serve(log), VllmSettings())
    slack = ROUNDING_GIB * GIB / layout.block_bytes + 1
    assert abs(pool.count_blocks(layout, log.kv_gib * GIB) - log.blocks) <= slack


@sweep
def test_concurrency_follows_from_the_logged_blocks(log: Sweep) -> None:
    layout = lay_out_cache(log.shape, serve(log), VllmSettings())
    assert pool.concurrency_at(layout, log.blocks, log.context, 8192) == pytest.approx(log.concurrency, abs=0.011)


@sweep
def test_tokens_follow_from_the_logged_blocks(log: Sweep) -> None:
    """As v0.19 reckons them: blocks shared out to the groups; from v0.21 on it is concurrency times context."""
    layout = lay_out_cache(log.shape, serve(log), VllmSettings())
    assert log.blocks // len(layout.groups) * 16 == log.tokens


@pytest.mark.parametrize("log", KV_LOGS, ids=[log.source for log in KV_LOGS])
def test_blocks_of_other_logs(log: KvLog) -> None:
    serving = Serving(engine="vllm", kv=log.kv, tensor_parallel=log.cards)
    layout = lay_out_cache(log.shape, serving, VllmSettings())
    blocks = pool.count_blocks(layout, log.kv_gib * GIB)
    if log.source in OTHER_RANK_DECIDES:
        assert 0.85 * blocks <= log.blocks <= blocks + 1
    else:
        assert abs(blocks - log.blocks) <= ROUNDING_GIB * GIB / layout.block_bytes + 1
    if log.context:
        concurrency = pool.concurrency_at(layout, log.blocks, log.context, log.batched)
        assert concurrency == pytest.approx(log.concurrency, abs=0.011)


def test_recurrent_layers_give_exactly_the_logged_block_size_and_tokens() -> None:
    """Qwen3.8-27B-FP8 on two RTX 3090s (mitchross/talos-argocd-proxmox#1995): 4.99 GiB, 302,921 tokens, 2.31x at
    131,072; "Setting attention block size to 1568 tokens", pages padded by 0.13 % (noonghunna/club-3090#1047)."""
    for count in (1, 2):
        serving = Serving(engine="vllm", kv="fp8", tensor_parallel=count)
        layout = lay_out_cache(shapes.QWEN38_27B, serving, VllmSettings())
        assert layout.groups[0].block_tokens == 1568
        assert len(layout.groups) == 4
    blocks = pool.count_blocks(layout, 4.99 * GIB)
    assert int(pool.concurrency_at(layout, blocks, 131072, 8192) * 131072) == 302_921
    assert layout.block_bytes / 16 / (3_207_168 / 2) == pytest.approx(1.0013, abs=0.00005)


def test_compressed_attention_needs_exactly_the_logged_memory() -> None:
    """DeepSeek-V4-Flash, fp8 (vllm-project/vllm#44376): 30,000 tokens need 6.66 GiB, 5.44 GiB are enough for 13,528."""
    layout = lay_out_cache(shapes.DEEPSEEK_V4_FLASH, Serving(engine="vllm", kv="fp8"), VllmSettings())
    need = pool.blocks_per_request(layout, 30_000, 16_384) * layout.block_bytes / GIB
    assert need == pytest.approx(6.66, abs=ROUNDING_GIB)
    largest = [
        pool.largest_context(layout, pool.count_blocks(layout, gib * GIB), slots=1, batched=16_384, limit=30_000)
        for gib in (5.44 - ROUNDING_GIB, 5.44 + ROUNDING_GIB)
    ]
    assert largest[0] <= 13_528 <= largest[1]
    assert len(layout.groups) == 5, "the thread of #51041 counts five groups"


def test_pipelined_experts_need_the_logged_bytes_per_token() -> None:
    """Qwen3-Coder-30B-A3B (vllm-project/vllm#34076): 262,144 tokens need 24.0 GiB, 3.18 GiB are enough for 34,736."""
    layout = lay_out_cache(shapes.QWEN3_30B, Serving(engine="vllm"), VllmSettings())
    assert pool.blocks_per_request(layout, 262_144, 8192) * layout.block_bytes == 24 * GIB
    blocks = pool.count_blocks(layout, 3.18 * GIB)
    assert pool.largest_context(layout, blocks, slots=1, batched=8192, limit=262_144) == pytest.approx(34_736, abs=60)


@pytest.mark.parametrize(
    ("context", "tokens", "concurrency"),
    [(32_768, 158_656, 4.84), (163_840, 1_214_464, 7.41)],
    ids=["vllm-project/vllm#17122", "vllm-project/vllm#31903"],
)
def test_tokens_and_concurrency_of_one_group_agree(context: int, tokens: int, concurrency: float) -> None:
    layout = lay_out_cache(shapes.LLAMA_8B, Serving(engine="vllm"), VllmSettings())
    assert pool.concurrency_at(layout, tokens // 16, context, 8192) == pytest.approx(concurrency, abs=0.006)


def test_bytes_per_token_of_latents() -> None:
    """576 elements per token and layer, on every card the same; 656 + 132 bytes with an indexer and fp8."""
    for count in (1, 8):
        serving = Serving(engine="vllm", tensor_parallel=count)
        assert pool.bytes_per_token(lay_out_cache(shapes.DEEPSEEK_R1, serving, VllmSettings())) == 61 * 576 * 2
    fp8 = Serving(engine="vllm", kv="fp8")
    assert pool.bytes_per_token(lay_out_cache(shapes.DEEPSEEK_R1, fp8, VllmSettings())) == 61 * 576
    sparse = VllmSettings(sparse_latent=True)
    assert pool.bytes_per_token(lay_out_cache(shapes.DEEPSEEK_R1, fp8, sparse)) == 61 * (656 + 132)


def test_heads_are_replicated_once_there_are_more_cards() -> None:
    def token(count: int) -> float:
        return pool.bytes_per_token(
            lay_out_cache(shapes.QWEN25_7B, Serving(engine="vllm", tensor_parallel=count), VllmSettings())
        )

    one_head = 28 * (128 + 128) * 2
    assert [token(count) / one_head for count in (1, 2, 4, 7)] == [4, 2, 1, 1]


def test_chunked_layers_keep_the_whole_context_by_default() -> None:
    serving = Serving(engine="vllm", tensor_parallel=4)
    whole = lay_out_cache(shapes.LLAMA4_SCOUT, serving, VllmSettings())
    hybrid = lay_out_cache(shapes.LLAMA4_SCOUT, serving, VllmSettings(chunked_hybrid=True))
    million = 1_000_000
    assert pool.blocks_per_request(whole, million, 8192) * whole.block_bytes == million * 48 * 2 * 256 * 2
    # 12 layers of the whole context, 36 of 8192 + 8192 tokens.
    assert pool.blocks_per_request(hybrid, million, 8192) * hybrid.block_bytes == (
        (million * 12 + 16_384 * 36) * 2 * 256 * 2
    )


def test_a_model_without_attention_takes_one_state_a_sequence() -> None:
    """64 layers of 3 * 10240 convolution inputs (2 bytes) and 128 * 8192 states (4 bytes)."""
    layout = lay_out_cache(shapes.CODESTRAL_MAMBA, Serving(engine="vllm"), VllmSettings())
    assert layout.block_bytes == 64 * (3 * 10_240 * 2 + 128 * 8192 * 4)
    assert pool.blocks_per_request(layout, 100_000, 8192) == 1
    assert pool.bytes_per_token(layout) == 0


# ---- weights


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        (shapes.LLAMA_8B, 8_030_261_248),
        (shapes.LLAMA_70B, 70_553_706_496),
        (shapes.QWEN3_30B, 30_532_122_624),
        (shapes.MIXTRAL, 46_702_792_704),
        (shapes.DEEPSEEK_LITE, 15_706_484_224),
        (shapes.QWEN25_72B, 72_706_203_648),
        (shapes.GPT_OSS_20B, 20_914_757_184),
    ],
    ids=["Llama-3.1-8B", "Llama-3.1-70B", "Qwen3-30B-A3B", "Mixtral", "DeepSeek-V2-Lite", "Qwen2.5-72B", "gpt-oss-20b"],
)
def test_elements_of_a_layer_add_up_to_the_published_parameters(shape: Architecture, count: int) -> None:
    """Biases and norms inside of attention are left out: at most 0.04 %."""
    assert shapes.parameters(shape) == pytest.approx(count, rel=4e-4)


@pytest.mark.parametrize("log", [log for log in SWEEP if log.linear], ids=lambda log: f"{log.model}-x{log.cards}")
def test_weights_per_card(log: Sweep) -> None:
    """Within 1 % and 0.1 GiB; models with a vision tower within 2.5 % and 0.5 GiB (its padding is not modelled)."""
    planned = weight_bytes_per_card(log.shape, shapes.weigh(log.shape, log.linear), log.cards) / GIB
    slack = 0.025 * log.weights + 0.5 if log.shape.vision_mib else 0.01 * log.weights + 0.1
    assert abs(planned - log.weights) <= slack


@pytest.mark.parametrize(
    ("shape", "count", "logged", "slack"),
    [
        (shapes.GPT_OSS_20B, 1, 13.72, 0.02),
        (shapes.GPT_OSS_20B, 2, 7.01, 0.02),
        (shapes.GPT_OSS_120B, 1, 65.97, 0.01),
        (shapes.GPT_OSS_120B, 8, 9.98, 0.17),
    ],
    ids=["myoceane.fr A100", "llm-d-planner H100", "vllm-project/vllm#23278 H100", "vram.md 2.3"],
)
def test_padded_experts(shape: Architecture, count: int, logged: float, slack: float) -> None:
    """MXFP4 has 4.25 bits an element. Eight cards ran another kernel than Marlin, which pads more."""
    experts = 4.25 / 8
    weights = shapes.weigh(shape)
    assert shape.experts is not None
    saved = 3 * shape.embedding * shape.experts.feed_forward * shape.experts.count * (2 - experts)
    packed = weights.model_copy(update={"layer_bytes": tuple(round(size - saved) for size in weights.layer_bytes)})
    assert weight_bytes_per_card(shape, packed, count) / GIB == pytest.approx(logged, rel=slack)


def test_mixed_precision_and_replicated_heads_of_405b() -> None:
    """Llama-3.1-405B-FP8 on 8 H100s took 57.752 GiB each (vllm-project/vllm#6746): fp8 feed-forward layers except in
    the first and last block, and the checkpoint of that day with 16 key and value heads."""
    shape = shapes.LLAMA_405B_KV16
    weights = shapes.weigh(shape)
    feed_forward = 3 * shape.embedding * shape.feed_forward
    inner = [size - feed_forward for size in weights.layer_bytes[1:-1]]
    mixed = weights.model_copy(update={"layer_bytes": (weights.layer_bytes[0], *inner, weights.layer_bytes[-1])})
    assert weight_bytes_per_card(shape, mixed, 8) / GIB == pytest.approx(57.752, rel=0.005)


def test_what_is_replicated_stays_whole() -> None:
    """R1's latent projections: 61 x 7168 x (576 + 1536) elements on every card, so 16 cards hold more than 16 parts."""
    shape, weights = shapes.DEEPSEEK_R1, shapes.weigh(shapes.DEEPSEEK_R1, 1.0)
    one, many = (weight_bytes_per_card(shape, weights, count) for count in (1, 16))
    extra = (many - one / 16) / (15 / 16)
    rotary = shape.max_context * 64 * 2
    assert extra == pytest.approx(61 * 7168 * (576 + 1536) + 58 * 7168 * 256 + rotary, rel=0.01)


# ---- what the profiling run takes


@sweep
def test_activation_peak(log: Sweep) -> None:
    """Dense text models within 4 %, with experts or vision within 10 % (7 % without Kimi-VL)."""
    slack = 0.1 if log.shape.experts or log.shape.vision_mib else 0.04
    assert activation_bytes(log.shape, serve(log)) / GIB == pytest.approx(log.activation, rel=slack)


@pytest.mark.parametrize(("tokens", "gib"), [(20_000, 17.06 - 14.99), (29_000, 17.98 - 14.99)])
def test_forward_pass_of_a_long_batch(tokens: int, gib: float) -> None:
    """Llama-3.1-8B on an RTX 3090, whole prompts as one batch (vllm-project/vllm#10517)."""
    serving = Serving(engine="vllm", ubatch=tokens, parallel=1)
    assert activation_bytes(shapes.LLAMA_8B, serving) / GIB == pytest.approx(gib, rel=0.05)


@sweep
def test_non_torch_memory(log: Sweep) -> None:
    """Within 0.25 GiB: granite alone takes 0.46 instead of 0.25 GiB."""
    assert abs(non_torch_mib(cards(log.cards)) / 1024 - log.non_torch) <= 0.25


@sweep
def test_cuda_graphs(log: Sweep) -> None:
    """A rough fit: within 0.85 GiB (0.35 for dense models), with 51 sizes for 1024 sequences."""
    slack = 0.85 if log.shape.experts else 0.4
    assert abs(graphs_bytes(log.shape, serve(log)) / GIB - log.graphs) <= slack


def test_capture_sizes() -> None:
    assert [count_capture_sizes(slots) for slots in (1, 2, 4, 128, 256, 1024)] == [2, 3, 4, 35, 51, 51]


# ---- the whole plan


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
    one, each = (weight_bytes_per_card(shape, weights, cards) for cards in (1, count))
    assert one / count <= each <= one
    assert each * count >= one
