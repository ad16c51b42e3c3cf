"""What vLLM takes beside the cache, term by term: weights, activations, graphs, non-torch (docs/vllm-logs.md)."""

from __future__ import annotations

import pytest

from provision.models.architecture import Architecture, Serving
from provision.planner.memory_vllm.runtime import activation_bytes, count_capture_sizes, graphs_bytes, non_torch_mib
from provision.planner.memory_vllm.weights import weight_bytes_per_card
from tests.unit.planner import vllm_shapes as shapes
from tests.unit.planner.vllm_logs import GIB, SWEEP, Sweep, cards, serve

sweep = pytest.mark.parametrize("log", SWEEP, ids=[f"{log.model}-x{log.cards}" for log in SWEEP])


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
