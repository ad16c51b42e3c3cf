"""Random files are whole, in their places, and hold finite numbers."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import gguf
import numpy as np
import pytest

from bench.gpu_data import file_bytes, random_blocks, write_random
from bench.gpu_deadline import Deadline
from provision.errors import RunError
from provision.models.architecture import Architecture
from provision.planner.memory.ggml import BLOCKS, GgmlType
from provision.planner.memory.tensors import list_tensors

SMALL = Architecture(
    family="llama",
    layers=2,
    embedding=256,
    vocabulary=1000,
    max_context=4096,
    heads=4,
    kv_heads=2,
    key_dim=64,
    value_dim=64,
    feed_forward=512,
)


@pytest.mark.parametrize("kind", [kind for kind in get_args(GgmlType) if kind not in ("f32", "f16", "bf16", "i32")])
def test_blocks_are_whole_and_their_values_finite_and_not_all_alike(kind: GgmlType) -> None:
    data = random_blocks(kind)
    assert len(data) % BLOCKS[kind].size == 0
    few = np.frombuffer(data[: BLOCKS[kind].size * 64], np.uint8)
    values = gguf.quants.dequantize(few, gguf.GGMLQuantizationType(BLOCKS[kind].number))
    assert np.isfinite(values).all()
    assert 0 < values.std() < 10


def test_every_tensor_is_filled_at_its_own_place(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    write_random(SMALL, "q4_k_m", path, Deadline(60))
    tensors = {tensor.name: tensor for tensor in list_tensors(SMALL, "q4_k_m")}
    read = gguf.GGUFReader(path).tensors
    assert {tensor.name for tensor in read} == set(tensors)
    for tensor in read:
        written = tensor.data.reshape(-1).view(np.uint8).tobytes()
        assert written == bytes(random_blocks(tensors[tensor.name].type)[: len(written)])
    assert path.stat().st_blocks * 512 >= file_bytes(SMALL, "q4_k_m")  # no holes


def test_writing_ends_with_the_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="time for the whole run"):
        write_random(SMALL, "q8_0", tmp_path / "m.gguf", Deadline(0))
