"""Shapes of the models in the published vLLM logs, from their config.json (Hugging Face)."""

from __future__ import annotations

from provision.models.architecture import (
    Architecture,
    CompressedAttention,
    Experts,
    LatentAttention,
    StateSpace,
    Weights,
    Window,
)
from provision.planner.memory_vllm.weights import describe_layer


def dense(
    family: str,
    layers: int,
    embedding: int,
    heads: tuple[int, int, int],
    feed_forward: int,
    vocabulary: int,
    max_context: int = 131072,
    /,
    **rest: object,
) -> Architecture:
    """`heads`: attention heads, key and value heads, width of a head."""
    values = {"key_dim": heads[2], "value_dim": heads[2], "feed_forward": feed_forward, **rest}
    return Architecture.model_validate(
        {
            "family": family,
            "layers": layers,
            "embedding": embedding,
            "heads": heads[0],
            "kv_heads": heads[1],
            "vocabulary": vocabulary,
            "max_context": max_context,
            **values,
        }
    )


def weigh(shape: Architecture, linear_bytes: float = 2.0) -> Weights:
    """A checkpoint whose layers have `linear_bytes` per element and whose tables have 2."""
    table = shape.vocabulary * shape.embedding * 2
    layers = []
    for index in range(shape.layers):
        each = describe_layer(shape, index)
        layers.append(round((each.divided + each.kv + each.experts + each.replicated) * linear_bytes))
    return Weights(input_bytes=table, layer_bytes=tuple(layers), output_bytes=table, active_bytes=sum(layers) + table)


def parameters(shape: Architecture) -> int:
    weights = weigh(shape)
    return (weights.placed_bytes - (weights.input_bytes if shape.tied_embeddings else 0)) // 2


GEMMA2 = {"window": Window(tokens=4096, kind="sliding"), "full_attention_every": 2, "tied_embeddings": True}
GEMMA3 = {"window": Window(tokens=1024, kind="sliding"), "full_attention_every": 6, "tied_embeddings": True}
LITE = LatentAttention(kv_rank=512, rope_dim=64, nope_dim=128, value_dim=128)
OSS = {"window": Window(tokens=128, kind="sliding"), "full_attention_every": 2}

CODELLAMA_7B = dense("llama", 32, 4096, (32, 32, 128), 11008, 32016, 16384)
LLAMA_8B = dense("llama", 32, 4096, (32, 8, 128), 14336, 128256)
LLAMA_11B_VISION = dense("llama", 40, 4096, (32, 8, 128), 14336, 128256)
LLAMA_70B = dense("llama", 80, 8192, (64, 8, 128), 28672, 128256)
LLAMA_405B_KV16 = dense("llama", 126, 16384, (128, 16, 128), 53248, 128256)
QWEN25_05B = dense("qwen2", 24, 896, (14, 2, 64), 4864, 151936, 32768, tied_embeddings=True)
QWEN25_15B = dense("qwen2", 28, 1536, (12, 2, 128), 8960, 151936, 32768, tied_embeddings=True)
QWEN25_7B = dense("qwen2", 28, 3584, (28, 4, 128), 18944, 152064, 32768)
QWEN25_14B = dense("qwen2", 48, 5120, (40, 8, 128), 13824, 152064)
QWEN25_72B = dense("qwen2", 80, 8192, (64, 8, 128), 29568, 152064, 32768)
QWEN3_8B = dense("qwen3", 36, 4096, (32, 8, 128), 12288, 151936, 40960)
QWEN3_30B = dense(
    "qwen3moe", 48, 2048, (32, 4, 128), 0, 151936, 262144, experts=Experts(count=128, used=8, feed_forward=768)
)
QWEN3_235B = dense(
    "qwen3moe", 94, 4096, (64, 4, 128), 0, 151936, 40960, experts=Experts(count=128, used=8, feed_forward=1536)
)
QWEN15_MOE = dense(
    "qwen2moe",
    24,
    2048,
    (16, 16, 128),
    0,
    151936,
    8192,
    experts=Experts(count=60, used=4, feed_forward=1408, shared_feed_forward=5632),
)
GEMMA_7B = dense("gemma", 28, 3072, (16, 16, 256), 24576, 256000, 8192, tied_embeddings=True)
GEMMA2_2B = dense("gemma2", 26, 2304, (8, 4, 256), 9216, 256000, 8192, **GEMMA2)
GEMMA2_9B = dense("gemma2", 42, 3584, (16, 8, 256), 14336, 256000, 8192, **GEMMA2)
GEMMA2_27B = dense("gemma2", 46, 4608, (32, 16, 128), 36864, 256000, 8192, **GEMMA2)
GEMMA3_4B = dense("gemma3", 34, 2560, (8, 4, 256), 10240, 262208, vision_mib=811, **GEMMA3)
GEMMA3_12B = dense("gemma3", 48, 3840, (16, 8, 256), 15360, 262208, vision_mib=814, **GEMMA3)
GEMMA3_27B = dense("gemma3", 62, 5376, (32, 16, 128), 21504, 262208, vision_mib=817, **GEMMA3)
GRANITE_2B = dense("granite", 40, 2048, (32, 8, 64), 8192, 49155, tied_embeddings=True)
GRANITE_8B = dense("granite", 40, 4096, (32, 8, 128), 12800, 49155, tied_embeddings=True)
PHI4 = dense("phi3", 40, 5120, (40, 10, 128), 17920, 100352, 16384)
MISTRAL_24B = dense("llama", 40, 5120, (32, 8, 128), 32768, 131072, vision_mib=840)
MIXTRAL = dense("llama", 32, 4096, (32, 8, 128), 0, 32000, 32768, experts=Experts(count=8, used=2, feed_forward=14336))
DEEPSEEK_LITE = dense(
    "deepseek2",
    27,
    2048,
    (16, 16, 192),
    10944,
    102400,
    163840,
    latent=LITE,
    experts=Experts(count=64, used=6, feed_forward=1408, shared_feed_forward=2816, leading_dense=1),
)
KIMI_VL = DEEPSEEK_LITE.model_copy(update={"vocabulary": 163840, "max_context": 131072, "vision_mib": 900})
DEEPSEEK_R1 = dense(
    "deepseek2",
    61,
    7168,
    (128, 128, 192),
    18432,
    129280,
    163840,
    latent=LITE.model_copy(update={"q_rank": 1536}),
    experts=Experts(count=256, used=8, feed_forward=2048, shared_feed_forward=2048, leading_dense=3),
)
GPT_OSS_20B = dense(
    "gpt-oss", 24, 2880, (64, 8, 64), 0, 201088, experts=Experts(count=32, used=4, feed_forward=2880), **OSS
)
GPT_OSS_120B = dense(
    "gpt-oss", 36, 2880, (64, 8, 64), 0, 201088, experts=Experts(count=128, used=4, feed_forward=2880), **OSS
)
LLAMA4_SCOUT = dense(
    "llama4",
    48,
    5120,
    (40, 8, 128),
    0,
    202048,
    10_485_760,
    experts=Experts(count=16, used=1, feed_forward=8192, shared_feed_forward=8192),
    window=Window(tokens=8192, kind="chunked"),
    full_attention_every=4,
    vision_mib=1670,
)
QWEN38_27B = dense(
    "qwen3next",
    64,
    5120,
    (24, 4, 256),
    17408,
    248320,
    262144,
    full_attention_every=4,
    state_space=StateSpace(conv_kernel=4, inner=6144, state=128, groups=16, heads=48),
)
DEEPSEEK_V4_FLASH = dense(
    "deepseek4",
    43,
    4096,
    (64, 1, 512),
    0,
    129280,
    1048576,
    window=Window(tokens=128, kind="sliding"),
    experts=Experts(count=256, used=6, feed_forward=2048, shared_feed_forward=2048),
    compressed=CompressedAttention(
        ratio4_layers=21,
        ratio128_layers=20,
        index_dim=128,
        index_heads=64,
        q_rank=1024,
        o_rank=1024,
        o_groups=8,
        rope_dim=64,
    ),
)
CODESTRAL_MAMBA = Architecture(
    family="mamba2",
    layers=64,
    embedding=4096,
    vocabulary=32768,
    max_context=262144,
    state_space=StateSpace(conv_kernel=4, inner=8192, state=128, groups=8, heads=128),
)
