"""ggml's storage types: how many bytes a row of values takes."""

from __future__ import annotations

from math import prod
from typing import Literal, NamedTuple

from provision.models.ggml import GGML_TYPES

GgmlType = Literal[
    "f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl",
    "iq4_xs", "mxfp4", "i32",
]  # fmt: skip


class Block(NamedTuple):
    """Values per block, bytes per block, and the number that a GGUF file names the type by."""

    values: int
    size: int
    number: int


BLOCKS: dict[str, Block] = {kind.name: Block(kind.block, kind.bytes, number) for number, kind in GGML_TYPES.items()}


class Tensor(NamedTuple):
    """A named weight. `shape` begins with the width of a row, as GGUF files have it."""

    name: str
    shape: tuple[int, ...]
    type: GgmlType

    @property
    def size(self) -> int:
        """Bytes."""
        return row_bytes(self.type, self.shape[0]) * prod(self.shape[1:])


def row_bytes(kind: GgmlType, width: int) -> int:
    """Bytes of a row of `width` values, a multiple of the type's block."""
    block = BLOCKS[kind]
    return width // block.values * block.size
