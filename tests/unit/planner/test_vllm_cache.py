"""vLLM's KV cache: arithmetic, so nothing but a log's rounding may differ (docs/vllm-logs.md)."""

from __future__ import annotations

import pytest

from provision.models.architecture import Serving
from provision.planner.memory_vllm import VllmSettings
from provision.planner.memory_vllm import capacity as pool
from provision.planner.memory_vllm.groups import lay_out_cache
from tests.unit.planner import vllm_shapes as shapes
from tests.unit.planner.vllm_logs import GIB, KV_LOGS, OTHER_RANK_DECIDES, ROUNDING_GIB, SWEEP, KvLog, Sweep, serve

sweep = pytest.mark.parametrize("log", SWEEP, ids=[f"{log.model}-x{log.cards}" for log in SWEEP])


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
