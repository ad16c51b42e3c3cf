"""What the vLLM plan is made of: the cards, the engine's settings, and the answer. Sizes in MiB, contexts in tokens."""

from __future__ import annotations

from provision.models.base import Frozen


class VllmCard(Frozen):
    """A card as CUDA sees it. `total_mib` is CUDA's total, on which vLLM reckons; `taken_mib` is what others hold."""

    index: int
    total_mib: int
    context_mib: int
    """CUDA context and libraries before any weight is loaded: 522 on an H100, 451 to 456 on an RTX 4090."""
    nvlink: bool = False
    taken_mib: int = 0


class VllmSettings(Frozen):
    """Flags of `vllm serve` beyond `Serving`; the defaults are what a plan passes explicitly.

    `block_tokens`: --block-size. `prefix_caching`: --enable-prefix-caching, with which a recurrent layer holds two
    states per sequence ("align" mode) instead of one. `graphs`: without --enforce-eager. `graphs_in_budget`: since
    v0.21 the estimate of the CUDA graphs is part of the budget. `chunked_hybrid`: chunked layers give their old
    chunks back only with VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE=1; by default they keep the whole
    context. `sparse_latent`: an indexer picks the tokens (DeepSeek V3.2), whose fp8 cache has a format of its own.
    """

    block_tokens: int = 16
    prefix_caching: bool = True
    graphs: bool = True
    graphs_in_budget: bool = True
    chunked_hybrid: bool = False
    sparse_latent: bool = False


class KvGroup(Frozen):
    """Layers that share a block table. `keeps` is None where they see the whole context, else the tokens that stay
    behind the batch being computed; `spare_blocks` come on top; `fixed_blocks` replaces both (recurrent state)."""

    block_tokens: int
    keeps: int | None = None
    spare_blocks: int = 0
    fixed_blocks: int | None = None


class KvLayout(Frozen):
    """How one card's KV memory is cut into blocks: any block may serve any group. No groups: no cache (encoders)."""

    block_bytes: int
    groups: tuple[KvGroup, ...]


class VllmCardPlan(Frozen):
    """One card. The five terms before `total_mib` are inside vLLM's budget, `outside_mib` is not.

    `total_mib` is what NVML is to show at most (under load, with this engine alone); `idle_mib` after the start,
    when the activations' peak is not in use.
    """

    index: int
    weights_mib: int
    kv_mib: int
    activation_mib: int
    graphs_mib: int
    non_torch_mib: int
    outside_mib: int
    budget_mib: int
    idle_mib: int
    total_mib: int
    usable_mib: int


class VllmPlan(Frozen):
    """`kv_blocks` is that of the card with the least; `concurrency` is for the context asked, as vLLM logs it.

    `kv_tokens` is the log's "GPU KV cache size". `starts`: vLLM comes up; `holds_all_slots`: every slot can be full
    at once. `max_context_tokens`: per slot, with all slots full; 0 where none fits. `reasons` in words.
    """

    cards: tuple[VllmCardPlan, ...]
    kv_budget_mib: int
    kv_block_bytes: int
    kv_bytes_per_token: float
    kv_blocks: int
    kv_tokens: int
    concurrency: float
    max_context_tokens: int
    starts: bool
    holds_all_slots: bool
    reasons: tuple[str, ...]
