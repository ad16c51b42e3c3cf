"""What vLLM takes beside weights and cache: the activations' peak, CUDA graphs, and memory outside of PyTorch.

All but the capture sizes is fitted to published start-up logs (docs/vllm-logs.md): nobody publishes formulas.
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.models.architecture import Architecture, Serving
from provision.planner.memory_vllm.data import VllmCard

_MIB = 2**20
_SAMPLER_BYTES = 14.2
"""Bytes per sequence and vocabulary row while the sampler is profiled: f32 logits, probabilities and sorting. From
v0.17 on; v0.15 and v0.16 took 38.9."""
_WORKSPACE_BYTES = 80 * _MIB
_NON_TORCH_MIB = 256
"""One card: 0.24 to 0.27 GiB in the logs of v0.19, but for granite's 0.46 (up to v0.17: 0.13)."""
_NON_TORCH_NVLINK_MIB = 2_200
"""Several cards with NVLink: 2.06 to 2.21 GiB of NCCL and all-reduce buffers on H100s (v0.19)."""
_NON_TORCH_PCIE_MIB = 350
"""Several cards without NVLink: logs of v0.7 and v0.8 say 0.20 to 0.25 GiB; a margin on top, not verified later."""
_NCCL_START_MIB = 1_045
"""What several NVLink cards hold before vLLM begins to count: 1.53 GiB against 0.51 GiB for one (v0.19, H100)."""


def activation_bytes(architecture: Architecture, serving: Serving) -> int:
    """Peak of the profiling run: the larger of sampling for all slots, and a forward pass of a whole batch.

    Experts' buffers stay while the sampler runs. `ubatch` is --max-num-batched-tokens, `parallel` --max-num-seqs.
    Fits the logs of v0.19 within 4 % for dense models and 10 % for others; vision encoders are not modelled.
    """
    tokens, width, cards = serving.ubatch, architecture.embedding, serving.tensor_parallel
    experts = architecture.experts
    hidden = tokens * width * 2
    buffers = 0.0
    if experts is not None and architecture.family != "gpt-oss":
        inner = experts.feed_forward / cards
        buffers = tokens * experts.used * (max(2 * inner, width) + inner) * 2
    dense = 3 * tokens * architecture.feed_forward / cards * 2 if experts is None else 0.0
    rows = architecture.vocabulary * min(serving.parallel, tokens)
    sampling = 0.0 if architecture.encoder else _SAMPLER_BYTES * rows + hidden
    return round(max(sampling + buffers, 3 * hidden + dense + buffers) + _WORKSPACE_BYTES)


def count_capture_sizes(slots: int) -> int:
    """Batch sizes that vLLM captures: 1, 2, 4, then steps of 8 up to 256 and of 16 up to min(2 * slots, 512).

    Source: vllm/config/vllm.py (`_set_cudagraph_sizes`); 51 with 256 slots and more, as the logs say.
    """
    largest = min(2 * slots, 512)
    sizes = [1, 2, 4, *range(8, 256, 8), *range(256, 513, 16)]
    return sum(size <= largest for size in sizes)


def graphs_bytes(architecture: Architecture, serving: Serving) -> int:
    """CUDA graphs: 256 MiB and 20.5 MiB a layer for 51 sizes, fewer for fewer. A rough fit (0.5 to 1.9 GiB logged)."""
    return round((256 + 20.5 * architecture.layers * count_capture_sizes(serving.parallel) / 51) * _MIB)


def non_torch_mib(cards: Sequence[VllmCard]) -> int:
    """NCCL, cuBLAS and other memory that PyTorch does not count, per card, inside vLLM's budget."""
    if len(cards) == 1:
        return _NON_TORCH_MIB
    return _NON_TORCH_NVLINK_MIB if all(card.nvlink for card in cards) else _NON_TORCH_PCIE_MIB


def outside_mib(card: VllmCard, cards: Sequence[VllmCard]) -> int:
    """What is there before vLLM begins to count: the CUDA context, and NCCL's first buffers with NVLink."""
    linked = len(cards) > 1 and all(each.nvlink for each in cards)
    return card.context_mib + (_NCCL_START_MIB if linked else 0)
