"""How many sequences a pool of KV blocks holds. Source: vllm/v1/kv_cache_interface.py (`max_memory_usage_bytes`)."""

from __future__ import annotations

from math import ceil

from provision.planner.memory_vllm.data import KvGroup, KvLayout


def blocks_per_request(layout: KvLayout, context: int, batched: int) -> int:
    """Blocks that a request of `context` tokens may hold at once, `batched` of them in one step."""
    return sum(_group_blocks(group, context, batched) for group in layout.groups)


def count_blocks(layout: KvLayout, budget_bytes: float) -> int:
    """Blocks that fit into a budget; 0 where it is negative or there is no cache."""
    return max(0, int(budget_bytes // layout.block_bytes)) if layout.block_bytes else 0


def concurrency_at(layout: KvLayout, blocks: int, context: int, batched: int) -> float:
    """vLLM's "Maximum concurrency for N tokens per request"."""
    need = blocks_per_request(layout, context, batched)
    return blocks / need if need else 0.0


def bytes_per_token(layout: KvLayout) -> float:
    """What each further token of a long context takes on one card."""
    whole = [group for group in layout.groups if group.keeps is None and group.fixed_blocks is None]
    return sum(layout.block_bytes / group.block_tokens for group in whole)


def largest_context(layout: KvLayout, blocks: int, *, slots: int, batched: int, limit: int) -> int:
    """The largest context per slot at which all slots may be full at once; 0 where none is. Binary search: blocks per
    request never fall as the context grows."""
    if blocks_per_request(layout, limit, batched) * slots <= blocks:
        return limit
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        fits = blocks_per_request(layout, middle, batched) * slots <= blocks
        low, high = (middle, high) if fits else (low, middle)
    return low


def _group_blocks(group: KvGroup, context: int, batched: int) -> int:
    if group.fixed_blocks is not None:
        return group.fixed_blocks
    held = context if group.keeps is None else min(group.keeps + batched, context)
    return ceil(held / group.block_tokens) + group.spare_blocks
