"""Published models in both forms: the keys of a GGUF, the `config.json`, and the one shape that both have to give.

Figures: shared research (data/models.json, each row with its source); keys as the pinned llama.cpp's converter writes
them (`conversion/`). Names of blocks and tensors as in `src/models/<family>.cpp`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provision.models.architecture import (
    Architecture,
    CompressedAttention,
    Experts,
    LatentAttention,
    StateSpace,
    Window,
)
from tests.unit.headers.gguf_writer import Tensor


@dataclass(frozen=True)
class Case:
    expected: Architecture
    keys: Mapping[str, object]
    """Without the family's name before them."""
    config: Mapping[str, object]
    tensors: tuple[str, ...] = ()
    """Names of small tensors that the family has beside the table."""
    attention: bool = True

    def gguf_keys(self) -> dict[str, object]:
        family = self.expected.family
        return {"general.architecture": family} | {f"{family}.{key}": value for key, value in self.keys.items()}

    def gguf_tensors(self) -> list[Tensor]:
        shape = self.expected
        found = [Tensor("token_embd.weight", (shape.embedding, shape.vocabulary), "f16")]
        found += [Tensor(name, (32,)) for name in self.tensors]
        if not shape.tied_embeddings:
            found.append(Tensor("output.weight", (shape.embedding, shape.vocabulary), "f16"))
        if self.attention:
            for name, width in (("attn_k", shape.key_dim), ("attn_v", shape.value_dim)):
                found.append(Tensor(f"blk.0.{name}.weight", (shape.embedding, shape.kv_heads * width), "f16"))
        return found


def keys_of(
    layers: int, embedding: int, context: int, heads: int = 0, kv: int = 0, width: int = 0
) -> dict[str, object]:
    found: dict[str, object] = {"block_count": layers, "embedding_length": embedding, "context_length": context}
    if heads:
        found |= {"attention.head_count": heads, "attention.head_count_kv": kv}
    if width:
        found |= {"attention.key_length": width, "attention.value_length": width}
    return found


def config_of(kind: str, layers: int, embedding: int, vocabulary: int, context: int | None = None) -> dict[str, object]:
    found: dict[str, object] = {
        "architectures": [kind],
        "num_hidden_layers": layers,
        "hidden_size": embedding,
        "vocab_size": vocabulary,
    }
    return found if context is None else found | {"max_position_embeddings": context}


def heads_of(heads: int, kv: int, width: int | None = None) -> dict[str, object]:
    found: dict[str, object] = {"num_attention_heads": heads, "num_key_value_heads": kv}
    return found if width is None else found | {"head_dim": width}


LLAMA_70B = Case(
    Architecture(
        family="llama", layers=80, embedding=8192, vocabulary=128256, max_context=131072, heads=64, kv_heads=8,
        key_dim=128, value_dim=128, feed_forward=28672,
    ),
    keys_of(80, 8192, 131072, 64, 8) | {"feed_forward_length": 28672},
    config_of("LlamaForCausalLM", 80, 8192, 128256, 131072) | heads_of(64, 8) | {"intermediate_size": 28672},
)  # fmt: skip
QWEN25_72B = Case(
    Architecture(
        family="qwen2", layers=80, embedding=8192, vocabulary=152064, max_context=32768, heads=64, kv_heads=8,
        key_dim=128, value_dim=128, feed_forward=29568, qkv_bias=True,
    ),
    keys_of(80, 8192, 32768, 64, 8) | {"feed_forward_length": 29568},
    config_of("Qwen2ForCausalLM", 80, 8192, 152064, 32768)
    | heads_of(64, 8)
    | {"intermediate_size": 29568, "sliding_window": 131072, "use_sliding_window": False, "max_window_layers": 80},
    ("blk.0.attn_q.bias",),
)  # fmt: skip
QWEN3_32B = Case(
    Architecture(
        family="qwen3", layers=64, embedding=5120, vocabulary=151936, max_context=40960, heads=64, kv_heads=8,
        key_dim=128, value_dim=128, feed_forward=25600, qk_norm=True,
    ),
    keys_of(64, 5120, 40960, 64, 8, 128) | {"feed_forward_length": 25600},
    config_of("Qwen3ForCausalLM", 64, 5120, 151936, 40960) | heads_of(64, 8, 128) | {"intermediate_size": 25600},
    ("blk.0.attn_q_norm.weight",),
)  # fmt: skip
QWEN3_CODER = Case(
    Architecture(
        family="qwen3moe", layers=48, embedding=2048, vocabulary=151936, max_context=262144, heads=32, kv_heads=4,
        key_dim=128, value_dim=128, qk_norm=True, experts=Experts(count=128, used=8, feed_forward=768),
    ),
    keys_of(48, 2048, 262144, 32, 4, 128)
    | {"feed_forward_length": 6144, "expert_count": 128, "expert_used_count": 8, "expert_feed_forward_length": 768},
    config_of("Qwen3MoeForCausalLM", 48, 2048, 151936, 262144)
    | heads_of(32, 4, 128)
    | {"intermediate_size": 6144, "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768},
    ("blk.0.attn_q_norm.weight",),
)  # fmt: skip
QWEN3_NEXT = Case(
    Architecture(
        family="qwen3next", layers=48, embedding=2048, vocabulary=151936, max_context=262144, heads=16, kv_heads=2,
        key_dim=256, value_dim=256, qk_norm=True, full_attention_every=4,
        experts=Experts(count=512, used=10, feed_forward=512, shared_feed_forward=512),
        state_space=StateSpace(conv_kernel=4, inner=4096, state=128, groups=16, heads=32),
    ),
    keys_of(48, 2048, 262144, 16, 2, 256)
    | {
        "feed_forward_length": 5120, "expert_count": 512, "expert_used_count": 10, "expert_feed_forward_length": 512,
        "expert_shared_feed_forward_length": 512, "ssm.conv_kernel": 4, "ssm.inner_size": 4096, "ssm.state_size": 128,
        "ssm.group_count": 16, "ssm.time_step_rank": 32, "full_attention_interval": 4,
    },
    config_of("Qwen3NextForCausalLM", 48, 2048, 151936, 262144)
    | heads_of(16, 2, 256)
    | {
        "intermediate_size": 5120, "num_experts": 512, "num_experts_per_tok": 10, "moe_intermediate_size": 512,
        "shared_expert_intermediate_size": 512, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
        "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4,
        "layer_types": [*["linear_attention"] * 3, "full_attention"] * 12,
    },
    ("blk.3.attn_q_norm.weight",),
)  # fmt: skip
GPT_OSS_20B = Case(
    Architecture(
        family="gpt-oss", layers=24, embedding=2880, vocabulary=201088, max_context=131072, heads=64, kv_heads=8,
        key_dim=64, value_dim=64, qkv_bias=True, full_attention_every=2,
        experts=Experts(count=32, used=4, feed_forward=2880), window=Window(tokens=128, kind="sliding"),
    ),
    keys_of(24, 2880, 131072, 64, 8, 64)
    | {
        "feed_forward_length": 2880, "expert_count": 32, "expert_used_count": 4, "expert_feed_forward_length": 2880,
        "attention.sliding_window": 128,
    },
    config_of("GptOssForCausalLM", 24, 2880, 201088, 131072)
    | heads_of(64, 8, 64)
    | {
        "intermediate_size": 2880, "num_local_experts": 32, "num_experts_per_tok": 4, "sliding_window": 128,
        "attention_bias": True, "layer_types": ["sliding_attention", "full_attention"] * 12,
        "quantization_config": {"quant_method": "mxfp4"},
    },
    ("blk.0.attn_q.bias",),
)  # fmt: skip
LLAMA4_SCOUT = Case(
    Architecture(
        family="llama4", layers=48, embedding=5120, vocabulary=202048, max_context=10485760, heads=40, kv_heads=8,
        key_dim=128, value_dim=128, full_attention_every=4, window=Window(tokens=8192, kind="chunked"),
        experts=Experts(count=16, used=1, feed_forward=8192, shared_feed_forward=8192),
    ),
    keys_of(48, 5120, 10485760, 40, 8, 128)
    | {
        "feed_forward_length": 16384, "expert_count": 16, "expert_used_count": 1, "expert_feed_forward_length": 8192,
        "interleave_moe_layer_step": 1,
    },
    {
        "architectures": ["Llama4ForConditionalGeneration"],
        "vision_config": {"num_hidden_layers": 34},
        "text_config": {
            "num_hidden_layers": 48, "hidden_size": 5120, "vocab_size": 202048, "max_position_embeddings": 10485760,
            "num_attention_heads": 40, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 8192,
            "intermediate_size_mlp": 16384, "num_local_experts": 16, "num_experts_per_tok": 1,
            "interleave_moe_layer_step": 1, "attention_chunk_size": 8192,
        },
    },
)  # fmt: skip
DEEPSEEK_R1 = Case(
    Architecture(
        family="deepseek2", layers=61, embedding=7168, vocabulary=129280, max_context=163840, heads=128, kv_heads=1,
        key_dim=576, value_dim=512, feed_forward=18432,
        experts=Experts(count=256, used=8, feed_forward=2048, shared_feed_forward=2048, leading_dense=3),
        latent=LatentAttention(kv_rank=512, rope_dim=64, nope_dim=128, value_dim=128, q_rank=1536),
    ),
    keys_of(61, 7168, 163840, 128, 1)
    | {
        "attention.key_length": 576, "attention.value_length": 512, "attention.key_length_mla": 192,
        "attention.value_length_mla": 128, "attention.kv_lora_rank": 512, "attention.q_lora_rank": 1536,
        "rope.dimension_count": 64, "feed_forward_length": 18432, "expert_count": 256, "expert_used_count": 8,
        "expert_feed_forward_length": 2048, "expert_shared_count": 1, "leading_dense_block_count": 3,
    },
    config_of("DeepseekV3ForCausalLM", 61, 7168, 129280, 163840)
    | heads_of(128, 128)
    | {
        "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
        "num_experts_per_tok": 8, "first_k_dense_replace": 3, "q_lora_rank": 1536, "kv_lora_rank": 512,
        "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128, "num_nextn_predict_layers": 1,
        "quantization_config": {"quant_method": "fp8"},
    },
    attention=False,
)  # fmt: skip
_RATIOS = [0, 0, *[4, 128] * 20, 4]
DEEPSEEK_V4_FLASH = Case(
    Architecture(
        family="deepseek4", layers=43, embedding=4096, vocabulary=129280, max_context=1048576, heads=64, kv_heads=1,
        key_dim=512, value_dim=512, window=Window(tokens=128, kind="sliding"),
        experts=Experts(count=256, used=6, feed_forward=2048, shared_feed_forward=2048),
        compressed=CompressedAttention(
            ratio4_layers=21, ratio128_layers=20, index_dim=128, index_heads=64, q_rank=1024, o_rank=1024, o_groups=8,
            rope_dim=64,
        ),
    ),
    keys_of(43, 4096, 1048576, 64, 1, 512)
    | {
        "attention.sliding_window": 128, "attention.q_lora_rank": 1024, "attention.output_lora_rank": 1024,
        "attention.output_group_count": 8, "attention.indexer.head_count": 64, "attention.indexer.key_length": 128,
        "attention.compress_ratios": _RATIOS, "rope.dimension_count": 64, "expert_count": 256, "expert_used_count": 6,
        "expert_feed_forward_length": 2048, "expert_shared_count": 1,
    },
    config_of("DeepseekV4ForCausalLM", 43, 4096, 129280, 1048576)
    | heads_of(64, 1, 512)
    | {
        "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 6,
        "qk_rope_head_dim": 64, "q_lora_rank": 1024, "o_lora_rank": 1024, "o_groups": 8, "index_n_heads": 64,
        "index_head_dim": 128, "index_topk": 512, "sliding_window": 128, "compress_ratios": [*_RATIOS, 0],
    },
    attention=False,
)  # fmt: skip
CODESTRAL_MAMBA = Case(
    Architecture(
        family="mamba2", layers=64, embedding=4096, vocabulary=32768, max_context=1048576,
        state_space=StateSpace(conv_kernel=4, inner=8192, state=128, groups=8, heads=128),
    ),
    keys_of(64, 4096, 1048576)
    | {
        "feed_forward_length": 0, "attention.head_count": 0, "ssm.conv_kernel": 4, "ssm.inner_size": 8192,
        "ssm.state_size": 128, "ssm.group_count": 8, "ssm.time_step_rank": 128,
    },
    config_of("Mamba2ForCausalLM", 64, 4096, 32768)
    | {
        "expand": 2, "intermediate_size": 8192, "state_size": 128, "n_groups": 8, "num_heads": 128, "head_dim": 64,
        "conv_kernel": 4, "tie_word_embeddings": False, "time_step_limit": [0.0, float("inf")],
    },
    attention=False,
)  # fmt: skip
GEMMA3_270M = Case(
    Architecture(
        family="gemma3", layers=18, embedding=640, vocabulary=262144, max_context=32768, heads=4, kv_heads=1,
        key_dim=256, value_dim=256, feed_forward=2048, tied_embeddings=True, qk_norm=True, full_attention_every=6,
        window=Window(tokens=512, kind="sliding"),
    ),
    keys_of(18, 640, 32768, 4, 1, 256) | {"feed_forward_length": 2048, "attention.sliding_window": 512},
    config_of("Gemma3ForCausalLM", 18, 640, 262144, 32768)
    | heads_of(4, 1, 256)
    | {"intermediate_size": 2048, "sliding_window": 512, "_sliding_window_pattern": 6},
    ("blk.0.attn_q_norm.weight",),
)  # fmt: skip
MIXTRAL_8X22B = Case(
    Architecture(
        family="llama", layers=56, embedding=6144, vocabulary=32768, max_context=65536, heads=48, kv_heads=8,
        key_dim=128, value_dim=128, experts=Experts(count=8, used=2, feed_forward=16384),
    ),
    keys_of(56, 6144, 65536, 48, 8) | {"feed_forward_length": 16384, "expert_count": 8, "expert_used_count": 2},
    config_of("MixtralForCausalLM", 56, 6144, 32768, 65536)
    | heads_of(48, 8)
    | {"intermediate_size": 16384, "num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": None},
)  # fmt: skip
MISTRAL_SMALL = Case(
    Architecture(
        family="mistral3",
        layers=40,
        embedding=5120,
        vocabulary=131072,
        max_context=131072,
        heads=32,
        kv_heads=8,
        key_dim=128,
        value_dim=128,
        feed_forward=32768,
    ),
    keys_of(40, 5120, 131072, 32, 8, 128) | {"feed_forward_length": 32768},
    {
        "architectures": ["Mistral3ForConditionalGeneration"],
        "text_config": config_of("MistralForCausalLM", 40, 5120, 131072, 131072)
        | heads_of(32, 8, 128)
        | {"intermediate_size": 32768, "sliding_window": None},
    },
)
BGE_M3 = Case(
    Architecture(
        family="bert", layers=24, embedding=1024, vocabulary=250002, max_context=8192, heads=16, kv_heads=16,
        key_dim=64, value_dim=64, feed_forward=4096, tied_embeddings=True, qkv_bias=True, encoder=True,
    ),
    keys_of(24, 1024, 8192, 16, 16) | {"feed_forward_length": 4096, "attention.causal": False},
    config_of("XLMRobertaModel", 24, 1024, 250002, 8194)
    | {"num_attention_heads": 16, "intermediate_size": 4096, "pad_token_id": 1},
    ("blk.0.attn_q.bias",),
)  # fmt: skip
NOMIC_EMBED = Case(
    Architecture(
        family="nomic-bert", layers=12, embedding=768, vocabulary=30528, max_context=2048, heads=12, kv_heads=12,
        key_dim=64, value_dim=64, feed_forward=3072, tied_embeddings=True, encoder=True,
    ),
    keys_of(12, 768, 2048, 12, 12) | {"feed_forward_length": 3072, "attention.causal": False},
    {
        "architectures": ["NomicBertModel"], "n_layer": 12, "n_embd": 768, "n_head": 12, "n_inner": 3072,
        "n_positions": 8192, "max_trained_positions": 2048, "vocab_size": 30528, "qkv_proj_bias": False,
    },
    attention=False,
)  # fmt: skip

CASES = {name.lower(): case for name, case in globals().items() if isinstance(case, Case)}
