"""vLLM's KV cache on one card: layers sorted into groups that share one pool of blocks.

Source: vllm/v1/core/kv_cache_utils.py (`_get_kv_cache_groups_uniform_page_size`, `get_num_blocks`,
`get_max_concurrency_for_kv_cache_config`, `_report_kv_cache_config`) and vllm/v1/kv_cache_interface.py (bytes of a
page and pages of a request, per kind of layer).
"""

from __future__ import annotations

from math import ceil

from provision.errors import PlanError
from provision.models.architecture import Architecture, KvFormat, Serving
from provision.planner.memory_vllm.compressed import lay_out_compressed
from provision.planner.memory_vllm.data import KvGroup, KvLayout, VllmSettings

_KV_BYTES = {"f16": 2, "fp8": 1}
_SPARSE_FP8_BYTES = 656
"""fp8_ds_mla: 512 fp8 values, 4 f32 scales and 64 bf16 rotary values (vllm kv_cache_interface.py)."""
_INDEXER_BYTES = 132
"""128 fp8 values and an f32 scale per token and layer: the indexer's own cache."""
_CONV_BYTES = 2
_STATE_BYTES = 4
"""The recurrent state is f32 where the model's config says so (Qwen3.5 and later); elsewhere the model's own type,
2 bytes: then the plan is on the safe side."""


def kv_element_bytes(kv: KvFormat) -> int:
    """Bytes of one element. Raises PlanError for a format that vLLM does not have."""
    if kv not in _KV_BYTES:
        raise PlanError(
            f"vLLM has no KV cache in {kv}",
            where="kv",
            hint="choose f16 or fp8, or serve the model with llama.cpp or ollama",
        )
    return _KV_BYTES[kv]


def lay_out_cache(architecture: Architecture, serving: Serving, settings: VllmSettings) -> KvLayout:
    """The groups and the bytes of a block on one card. Raises PlanError for a KV format that vLLM does not have."""
    element = kv_element_bytes(serving.kv)
    if architecture.encoder:
        return KvLayout(block_bytes=0, groups=())
    if architecture.compressed is not None:
        return lay_out_compressed(architecture, fp8=element == 1)
    if architecture.state_space is not None:
        return _lay_out_recurrent(architecture, serving, settings, element)
    token = attention_bytes(architecture, serving.tensor_parallel, element, settings)
    full, others = count_layers(architecture)
    page = settings.block_tokens * token
    whole = KvGroup(block_tokens=settings.block_tokens)
    if architecture.window is None or (architecture.window.kind == "chunked" and not settings.chunked_hybrid):
        return KvLayout(block_bytes=architecture.layers * page, groups=(whole,))
    if architecture.window.kind == "chunked":
        partial = KvGroup(block_tokens=settings.block_tokens, keeps=architecture.window.tokens)
    else:
        partial = KvGroup(block_tokens=settings.block_tokens, keeps=architecture.window.tokens - 1, spare_blocks=1)
    return _share_pool(page, ((full, whole), (others, partial)))


def attention_bytes(architecture: Architecture, tensor_parallel: int, element: int, settings: VllmSettings) -> int:
    """Bytes of one token in one attention layer on one card: heads are divided, and replicated once there are more
    cards than heads; a latent row is on every card."""
    if architecture.latent is None:
        heads = ceil(architecture.kv_heads / tensor_parallel)
        return heads * (architecture.key_dim + architecture.value_dim) * element
    row = architecture.latent.kv_rank + architecture.latent.rope_dim
    if settings.sparse_latent:
        return (_SPARSE_FP8_BYTES if element == 1 else row * element) + _INDEXER_BYTES
    return row * element


def count_layers(architecture: Architecture) -> tuple[int, int]:
    """Layers that see the whole context, and the others."""
    every = architecture.full_attention_every
    if every is None:
        partial = architecture.window is not None or architecture.state_space is not None
        return (0, architecture.layers) if partial else (architecture.layers, 0)
    return architecture.layers // every, architecture.layers - architecture.layers // every


def _lay_out_recurrent(architecture: Architecture, serving: Serving, settings: VllmSettings, element: int) -> KvLayout:
    """Attention blocks grow until a page of theirs is as large as a state (vllm/platforms/interface.py, "Setting
    attention block size to N tokens to ensure that attention page size is >= mamba page size")."""
    state = state_bytes(architecture, serving.tensor_parallel)
    full, recurrent = count_layers(architecture)
    states = KvGroup(block_tokens=1, fixed_blocks=2 if settings.prefix_caching and full else 1)
    if not full:
        return KvLayout(block_bytes=recurrent * state, groups=(states,))
    token = attention_bytes(architecture, serving.tensor_parallel, element, settings)
    tokens = ceil(state / (settings.block_tokens * token)) * settings.block_tokens
    return _share_pool(tokens * token, ((full, KvGroup(block_tokens=tokens)), (recurrent, states)))


def state_bytes(architecture: Architecture, tensor_parallel: int) -> int:
    """Bytes of one recurrent layer's state of one sequence on one card: the convolution's last inputs, and the state.

    Source: vllm/model_executor/layers/mamba/mamba_utils.py (`mamba2_state_shape`, `gated_delta_net_state_shape`).
    """
    space = architecture.state_space
    if space is None:
        return 0
    convolution = (space.conv_kernel - 1) * ceil((space.inner + 2 * space.groups * space.state) / tensor_parallel)
    return convolution * _CONV_BYTES + space.state * ceil(space.inner / tensor_parallel) * _STATE_BYTES


def _share_pool(page: int, kinds: tuple[tuple[int, KvGroup], ...]) -> KvLayout:
    """Groups of equally many layers: as many as the rarer kind has, or as the commoner where they differ by less than
    half. A block has a page in each of a group's layers."""
    present = [(layers, group) for layers, group in kinds if layers]
    fewest, most = min(layers for layers, _ in present), max(layers for layers, _ in present)
    size = most if most < fewest * 1.5 else fewest
    groups = [group for layers, group in present for _ in range(ceil(layers / size))]
    return KvLayout(block_bytes=size * page, groups=tuple(groups))
