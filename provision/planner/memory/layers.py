"""Which layer is of which kind.

Source: src/llama-hparams.cpp (`set_swa_pattern`), src/models/*.cpp of the pinned llama.cpp build.
"""

from __future__ import annotations

from provision.models.architecture import Architecture

HASH_LAYERS = 3
"""DeepSeek V4's first layers choose experts by a table of token ids (`num_hash_layers`, both sizes)."""

HYPER_CONNECTIONS = 4
"""DeepSeek V4's residual streams: src/models/deepseek4.cpp accepts no other `hyper_connection_count`."""


def required[T](part: T | None) -> T:
    """A part that every model of its family has. Raises ValueError for an architecture without it."""
    if part is None:
        raise ValueError("the architecture lacks a part that every model of its family has")
    return part


def is_full(architecture: Architecture, layer: int) -> bool:
    """Whether a layer sees the whole context."""
    every = architecture.full_attention_every
    return every is None or (layer + 1) % every == 0


def is_recurrent(architecture: Architecture, layer: int) -> bool:
    """Whether a layer keeps a state instead of keys and values."""
    if architecture.state_space is None:
        return False
    return architecture.full_attention_every is None or not is_full(architecture, layer)


def is_windowed(architecture: Architecture, layer: int) -> bool:
    return architecture.window is not None and not is_full(architecture, layer)


def has_experts(architecture: Architecture, layer: int) -> bool:
    experts = architecture.experts
    if experts is None or layer < experts.leading_dense:
        return False
    return (layer + 1) % experts.every == 0


def compression(architecture: Architecture, layer: int) -> int:
    """DeepSeek V4: tokens per compressed row of a layer, 0 where it has a window only.

    The plain layers come first, then ratios 4 and 128 take turns (`compress_ratios` of the makers' configurations).
    """
    compressed = architecture.compressed
    if compressed is None:
        return 0
    plain = architecture.layers - compressed.ratio4_layers - compressed.ratio128_layers
    if layer < plain:
        return 0
    first = 4 if compressed.ratio4_layers >= compressed.ratio128_layers else 128
    return first if (layer - plain) % 2 == 0 else 132 - first
