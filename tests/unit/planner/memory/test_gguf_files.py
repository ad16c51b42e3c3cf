"""Headers without data: read back, they hold what was asked for."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from bench.gguf_files import write_gguf
from provision.planner.memory import list_tensors
from provision.planner.memory.ggml import BLOCKS
from tests.unit.planner.memory.test_engine_figures import SHAPES


@pytest.mark.parametrize("model", ["llama3.1-8b", "deepseek-v4-flash", "bge-m3"])
def test_a_header_holds_every_tensor(tmp_path: Path, model: str) -> None:
    quant, path = "q8_0", tmp_path / "m.gguf"
    write_gguf(SHAPES[model], quant, path)
    read = gguf.GGUFReader(path)
    wanted = {t.name: (list(t.shape), BLOCKS[t.type].number, t.size) for t in list_tensors(SHAPES[model], quant)}
    assert {t.name: (t.shape.tolist(), int(t.tensor_type), t.n_bytes) for t in read.tensors} == wanted
    assert path.stat().st_size > sum(size for _, _, size in wanted.values())
    assert path.stat().st_blocks * 512 < 4 * 2**20
