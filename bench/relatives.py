"""Smaller relatives of the catalogue's models: the same layers, fewer of them, so that a server loads them in seconds.

Not models that exist: only their layers' shapes are those of the catalogue.
"""

from __future__ import annotations

from typing import Any

from provision.catalog.loader import load_catalog
from provision.models.architecture import Architecture

_CUTS: dict[str, dict[str, Any]] = {
    "gemma-3-270m": {},
    "llama3.1-8b": {"layers": 4},
    "qwen3-8b": {"layers": 4},
    "qwen3-coder-30b-a3b": {"layers": 4},
    "gpt-oss-20b": {"layers": 4},
    "llama4-scout-17b-16e": {"layers": 4, "experts.count": 2},
    "deepseek-r1": {"layers": 5, "experts.feed_forward": 256, "experts.shared_feed_forward": 256},
    "deepseek-v4-flash": {
        "layers": 8,
        "experts.count": 16,
        "compressed.ratio4_layers": 3,
        "compressed.ratio128_layers": 3,
    },
    "qwen3-coder-next-80b-a3b": {"layers": 8, "experts.count": 32},
    "codestral-mamba-7b": {"layers": 6},
    "nomic-embed-text-v1.5": {},
    "bge-m3": {},
}


def _cut(architecture: Architecture, changes: dict[str, Any]) -> Architecture:
    for field, value in changes.items():
        part, _, name = field.rpartition(".")
        if part:
            value = getattr(architecture, part).model_copy(update={name: value})
        architecture = architecture.model_copy(update={part or name: value})
    return architecture


def list_relatives() -> dict[str, Architecture]:
    """The shapes by a name that says what was cut."""
    models = load_catalog().models
    shapes = {name: models[name].architecture for name in _CUTS}
    return {
        name if not _CUTS[name] else f"{name}, {shape.layers} layers to {_CUTS[name]['layers']}": _cut(
            shape, _CUTS[name]
        )
        for name, shape in shapes.items()
        if shape is not None
    }
