"""A model as its own files describe it."""

from __future__ import annotations

from provision.models.architecture import Architecture
from provision.models.base import Frozen
from provision.models.tensors import TensorInfo


class ModelShape(Frozen):
    """`weight_bytes` of what an engine loads; None where only a configuration was there.

    `weight_type` is a GGUF's mix ('q4_k_m'), a quantisation's method ('awq'), or the type of most bytes. `tensors` are
    those of a GGUF that the engine loads; a configuration gives none. `notes` say what was assumed or left out.
    """

    name: str
    architecture: Architecture
    weight_bytes: int | None
    weight_type: str
    tensors: tuple[TensorInfo, ...] = ()
    notes: tuple[str, ...] = ()
