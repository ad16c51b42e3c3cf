"""DeepSeek V4's cache in vLLM: compressed rows of two ratios, an indexer, a window, and the compressors' states.

Source: vllm/models/deepseek_v4/attention.py and compressor.py (block sizes, row widths, alignment) and
vllm/v1/core/kv_cache_utils.py (`_get_kv_cache_groups_uniform_groups`, `_max_memory_usage_bytes_from_groups`), v0.22.
"""

from __future__ import annotations

from math import ceil

from provision.models.architecture import Architecture
from provision.planner.memory_vllm.data import KvGroup, KvLayout

_BLOCK = 256
_WINDOW_BLOCK = 64
_INDEX_ROW = 132
"""An indexer's row: 128 fp8 values and one f32 scale."""
_FP8_ROW = 584
"""448 fp8 values, 64 bf16 rotary values and 8 scales of one byte."""


def lay_out_compressed(architecture: Architecture, *, fp8: bool) -> KvLayout:
    """One block has, for each of the layer tuples, a page of every width: ratio 4, its indexer, and ratio 128.

    Nothing is divided by tensor parallelism: a row is one head's.
    """
    shape = architecture.compressed
    if shape is None:
        return KvLayout(block_bytes=0, groups=())
    row, unit = (_FP8_ROW, 576) if fp8 else (architecture.key_dim * 2, 512)
    ratio4 = _align(_BLOCK // 4 * row, unit)
    index = _align(_BLOCK // 4 * _INDEX_ROW, unit)
    ratio128 = _align(_BLOCK // 128 * row, unit)
    window = architecture.window.tokens if architecture.window else 128
    tuples = _choose_tuples(
        (
            max(shape.ratio4_layers, shape.ratio128_layers),
            architecture.layers,
            shape.ratio4_layers,
            shape.ratio128_layers,
        )
    )
    split = ceil(architecture.layers / tuples)
    per_group = max(shape.ratio4_layers, shape.ratio128_layers, ceil(architecture.layers / split))
    return KvLayout(
        block_bytes=per_group * (ratio4 + index + ratio128),
        groups=(
            KvGroup(block_tokens=_BLOCK),
            *(KvGroup(block_tokens=_WINDOW_BLOCK, keeps=window - 1, spare_blocks=1) for _ in range(split)),
            KvGroup(block_tokens=4, keeps=2 * 4 - 1, spare_blocks=1),
            KvGroup(block_tokens=8, keeps=128 - 1, spare_blocks=1),
        ),
    )


def _choose_tuples(counts: tuple[int, ...]) -> int:
    """The group size, at least the first count, that pads the counts least; of equals the largest."""
    sizes = range(counts[0], max(counts) + 1)
    return min(sizes, key=lambda size: (sum(-count % size for count in counts), -size))


def _align(size: int, unit: int) -> int:
    return ceil(size / unit) * unit
