"""ggml's storage types: how many bytes a row of values takes.

Source: ggml/src/ggml-common.h (block sizes), ggml/include/ggml.h (type numbers) of the pinned llama.cpp build.
"""

from __future__ import annotations

from math import prod
from typing import Literal, NamedTuple

GgmlType = Literal[
    "f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl",
    "iq4_xs", "mxfp4", "i32",
]  # fmt: skip


class Block(NamedTuple):
    """Values per block, bytes per block, and the number that a GGUF file names the type by."""

    values: int
    size: int
    number: int


BLOCKS: dict[GgmlType, Block] = {
    "f32": Block(1, 4, 0),
    "f16": Block(1, 2, 1),
    "q4_0": Block(32, 18, 2),
    "q4_1": Block(32, 20, 3),
    "q5_0": Block(32, 22, 6),
    "q5_1": Block(32, 24, 7),
    "q8_0": Block(32, 34, 8),
    "q2_k": Block(256, 84, 10),
    "q3_k": Block(256, 110, 11),
    "q4_k": Block(256, 144, 12),
    "q5_k": Block(256, 176, 13),
    "q6_k": Block(256, 210, 14),
    "iq4_nl": Block(32, 18, 20),
    "iq4_xs": Block(256, 136, 23),
    "i32": Block(1, 4, 26),
    "bf16": Block(1, 2, 30),
    "mxfp4": Block(32, 17, 39),
}


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
