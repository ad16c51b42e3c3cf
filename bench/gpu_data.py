"""Random weights for a GGUF file of `bench.gguf_files`: nothing for a disk or a card to take short cuts with.

Bytes are random, scales small and finite. The pattern of a type repeats every 32 MiB.
Offsets of the scales: ggml/src/ggml-common.h (block_q4_0 ... block_iq4_xs) of the pinned llama.cpp build.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from bench.gguf_files import write_gguf
from bench.gpu_deadline import Deadline
from provision.models.architecture import Architecture
from provision.planner.memory.ggml import BLOCKS, GgmlType
from provision.planner.memory.tensors import list_tensors

_ALIGNMENT = 32
_PATTERN = 32 * 2**20
_SPREAD = 0.02
_SCALE = np.frombuffer(np.float16(0.001).tobytes(), np.uint8)
_SCALES: dict[GgmlType, tuple[int, ...]] = {
    "q4_0": (0,),
    "q4_1": (0, 2),
    "q5_0": (0,),
    "q5_1": (0, 2),
    "q8_0": (0,),
    "q2_k": (80, 82),
    "q3_k": (108,),
    "q4_k": (0, 2),
    "q5_k": (0, 2),
    "q6_k": (208,),
    "iq4_nl": (0,),
    "iq4_xs": (0,),
}
"""Byte offsets of the half-precision scales within a block."""
_MXFP4_EXPONENT = 120
"""2^(120 - 127): E8M0."""


def file_bytes(architecture: Architecture, quant: str) -> int:
    """Bytes of a file's tensors, each padded as GGUF wants it."""
    return sum(_padded(tensor.size) for tensor in list_tensors(architecture, quant))


def write_random(architecture: Architecture, quant: str, path: Path, deadline: Deadline) -> None:
    """Write the file whole. Raises RunError where time is up."""
    write_gguf(architecture, quant, path)
    tensors = list_tensors(architecture, quant)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - file_bytes(architecture, quant))
        for tensor in tensors:
            deadline.left()
            pattern, left = random_blocks(tensor.type), tensor.size
            while left > 0:
                left -= file.write(pattern[:left])
            file.seek(_padded(tensor.size) - tensor.size, 1)


@cache
def random_blocks(kind: GgmlType) -> memoryview:
    """About 32 MiB of whole blocks of a type."""
    chance = np.random.default_rng(BLOCKS[kind].number)
    size = BLOCKS[kind].size
    count = _PATTERN // size
    if kind == "i32":
        return memoryview(bytes(count * size))  # row numbers of a routing table: 0 is always there
    if kind in ("f32", "f16", "bf16"):
        values = chance.normal(0.0, _SPREAD, count).astype(np.float32)
        if kind == "bf16":
            return memoryview((values.view(np.uint32) >> 16).astype(np.uint16).tobytes())
        return memoryview(values.astype(np.float16 if kind == "f16" else np.float32).tobytes())
    blocks = chance.integers(0, 256, (count, size), dtype=np.uint8)
    if kind == "mxfp4":
        blocks[:, 0] = _MXFP4_EXPONENT
    for offset in _SCALES.get(kind, ()):
        blocks[:, offset : offset + 2] = _SCALE
    return memoryview(blocks.tobytes())


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
