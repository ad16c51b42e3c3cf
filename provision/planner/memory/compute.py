"""The compute buffers: what the engine reserves on the host and on each card to compute one batch.

The graph is built and placed as the engine does it, but with three layers of each kind per card instead of all: further
ones reuse the same memory. Only DeepSeek V4's free memory is scattered anew with every layer, so all of its are built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from provision.models.architecture import Architecture, Serving
from provision.planner.memory.graph.builder import Builder
from provision.planner.memory.graph.compressed import build_compressed
from provision.planner.memory.graph.decoder import build_decoder
from provision.planner.memory.graph.encoder import build_encoder
from provision.planner.memory.graph.latent import build_latent_decoder
from provision.planner.memory.graph.nodes import HOST
from provision.planner.memory.graph.recurrent import build_hybrid, build_mamba
from provision.planner.memory.graph.scheduler import measure
from provision.planner.memory.layers import has_experts, is_full, is_recurrent

GRAPHS: dict[str, Callable[[Builder], None]] = {
    "llama": build_decoder,
    "mistral3": build_decoder,
    "qwen2": build_decoder,
    "qwen3": build_decoder,
    "qwen3moe": build_decoder,
    "llama4": build_decoder,
    "gpt-oss": build_decoder,
    "gemma3": build_decoder,
    "deepseek2": build_latent_decoder,
    "deepseek4": build_compressed,
    "mamba2": build_mamba,
    "qwen3next": build_hybrid,
    "bert": build_encoder,
    "nomic-bert": build_encoder,
}
_OF_EACH_KIND = 3


def compute_bytes(
    architecture: Architecture, serving: Serving, owners: Sequence[int] | None = None
) -> tuple[int, tuple[int, ...]]:
    """Bytes of the host's compute buffer and of each card's.

    `owners` names the card of every layer and of the output layer at the end; without it, all is on the host. Raises
    KeyError for a family that is not in `GRAPHS`.
    """
    if owners is None:
        owners = (HOST,) * (architecture.layers + 1)
    layers = _sample(architecture, owners)
    return _measure(architecture, serving, tuple(owners), layers, max(owners) + 1)


@lru_cache(maxsize=4096)
def _measure(
    architecture: Architecture, serving: Serving, owners: tuple[int, ...], layers: tuple[int, ...], cards: int
) -> tuple[int, tuple[int, ...]]:
    build = Builder(architecture, serving, owners, layers)
    GRAPHS[architecture.family](build)
    return measure(build.graph, cards)


def _sample(architecture: Architecture, owners: Sequence[int]) -> tuple[int, ...]:
    """Three layers of each kind on every card, and each card's last."""
    if architecture.compressed:
        return tuple(range(architecture.layers))
    seen: Counter[tuple[object, ...]] = Counter()
    kept = []
    for layer in range(architecture.layers):
        kind = (
            owners[layer],
            is_full(architecture, layer),
            is_recurrent(architecture, layer),
            has_experts(architecture, layer),
        )
        seen[kind] += 1
        last = layer == architecture.layers - 1 or owners[layer + 1] != owners[layer]
        if last or seen[kind] <= _OF_EACH_KIND:
            kept.append(layer)
    return tuple(kept)
