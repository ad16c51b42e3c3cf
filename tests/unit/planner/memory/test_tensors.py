"""The tensors of a file and the quantiser's choices, beside published files."""

from __future__ import annotations

import pytest

from provision.planner.memory import MIXTURES, list_tensors, weigh, weigh_tensors
from provision.planner.memory.ggml import Tensor, row_bytes
from tests.unit.planner.memory.test_engine_figures import SHAPES


def _types(model: str, quant: str, *names: str) -> list[str]:
    types = {tensor.name: tensor.type for tensor in list_tensors(SHAPES[model], quant)}
    return [types[name] for name in names]


@pytest.mark.parametrize(
    ("model", "quant", "published"),
    [
        ("llama3.1-8b", "q4_k_m", 4_912_881_664),
        ("llama3.3-70b", "q4_k_m", 42_512_498_688),
        ("qwen3-coder-30b-a3b", "q4_k_m", 18_548_264_494),
        ("gpt-oss-20b", "mxfp4", 12_101_070_356),
        ("gpt-oss-120b", "mxfp4", 63_372_242_452),
        ("deepseek-coder-v2-lite", "q4_k_m", 10_366_280_686),
        ("bge-m3", "f16", 1_148_903_752),
    ],
)
def test_published_files(model: str, quant: str, published: int) -> None:
    """Within 0.2 % of the whole file, header and vocabulary included (sources: the catalogue's)."""
    assert sum(tensor.size for tensor in list_tensors(SHAPES[model], quant)) == pytest.approx(published, rel=0.002)


def test_a_medium_mixture_spends_bits_where_they_count() -> None:
    names = (
        "output.weight",
        "token_embd.weight",
        "blk.0.attn_v.weight",
        "blk.5.attn_v.weight",
        "blk.5.attn_norm.weight",
    )
    assert _types("llama3.1-8b", "q4_k_m", *names) == ["q6_k", "q4_k", "q6_k", "q4_k", "f32"]
    assert _types("llama3.1-8b", "q3_k_m", "blk.0.ffn_down.weight", "blk.9.ffn_down.weight") == ["q5_k", "q4_k"]
    assert _types("llama3.3-70b", "q4_k_m", "blk.11.attn_v.weight") == ["q5_k"]
    assert _types("mixtral-8x22b", "q4_k_m", "blk.9.attn_v.weight", "blk.9.attn_output.weight") == ["q8_0", "q5_k"]


def test_rows_that_no_block_fits_get_another_type() -> None:
    """Qwen2.5 72B's feed-forward width of 29568 is no multiple of 256."""
    assert _types("qwen2.5-72b", "q4_k_m", "blk.20.ffn_down.weight", "blk.0.ffn_down.weight") == ["q5_0", "q8_0"]
    assert _types("deepseek-r1", "q4_k_m", "blk.5.attn_k_b.weight", "blk.5.attn_v_b.weight") == ["q5_0", "q4_k"]


def test_experts_alone_are_mxfp4() -> None:
    assert _types("gpt-oss-20b", "mxfp4", "blk.3.ffn_up_exps.weight", "blk.3.attn_q.weight", "output.weight") == [
        "mxfp4", "q8_0", "q8_0",
    ]  # fmt: skip


@pytest.mark.parametrize("model", SHAPES)
@pytest.mark.parametrize("quant", MIXTURES)
def test_every_model_in_every_mixture(model: str, quant: str) -> None:
    """Whole blocks in every row, no name twice, and as many bytes as the parts that the engine places."""
    tensors = list_tensors(SHAPES[model], quant)
    assert len({tensor.name for tensor in tensors}) == len(tensors)
    for tensor in tensors:
        assert row_bytes(tensor.type, tensor.shape[0]) > 0
    weights = weigh(SHAPES[model], quant)
    table = next(tensor.size for tensor in tensors if tensor.name == "token_embd.weight")
    tied = SHAPES[model].tied_embeddings and not SHAPES[model].encoder
    assert weights.placed_bytes == sum(tensor.size for tensor in tensors) + (table if tied else 0)
    assert 0 < weights.active_bytes <= weights.placed_bytes - weights.input_bytes


def test_a_token_reads_its_experts_only() -> None:
    """gpt-oss 120B: of 5.13 billion active parameters (the maker's figure), 36 x 4 experts of 3 x 2880 x 2880 at 4.25
    bits and the rest at 8.5."""
    routed = 36 * 4 * 3 * 2880 * 2880
    expected = (routed * 4.25 + (5.13e9 - routed) * 8.5) / 8
    assert weigh(SHAPES["gpt-oss-120b"], "mxfp4").active_bytes == pytest.approx(expected, rel=0.02)


def test_a_file_with_prediction_heads_weighs_no_more() -> None:
    """The engine does not load blocks beyond the model's layers."""
    shape = SHAPES["llama3.1-8b"]
    tensors = list_tensors(shape, "q8_0")
    extra = Tensor(f"blk.{shape.layers}.nextn.eh_proj.weight", (8192, 4096), "q8_0")
    assert weigh_tensors(shape, [*tensors, extra, Tensor("rope_freqs.weight", (64,), "f32")]) == weigh_tensors(
        shape, tensors
    ).model_copy(
        update={
            "layer_bytes": (weigh(shape, "q8_0").layer_bytes[0] + 256, *weigh(shape, "q8_0").layer_bytes[1:]),
            "active_bytes": weigh(shape, "q8_0").active_bytes + 256,
        }
    )
