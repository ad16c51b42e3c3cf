"""A published model gives the same shape from its GGUF and from its config.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.headers import read_config, read_gguf, shape_of_gguf
from tests.unit.headers.families import CASES, Case
from tests.unit.headers.gguf_writer import size_of, write_gguf


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_gguf_gives_the_published_shape(case: Case, tmp_path: Path) -> None:
    tensors = case.gguf_tensors()
    path = write_gguf(tmp_path / "model.gguf", case.gguf_keys(), tensors)
    shape = shape_of_gguf(read_gguf(path))
    assert shape.architecture == case.expected
    assert shape.weight_bytes == sum(size_of(tensor) for tensor in tensors)
    assert [tensor.name for tensor in shape.tensors] == [tensor.name for tensor in tensors]
    assert shape.notes == ()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_configuration_gives_the_published_shape(case: Case, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(case.config))
    shape = read_config(tmp_path)
    assert shape.architecture == case.expected
    assert shape.weight_bytes is None
    assert read_config(tmp_path / "config.json") == shape
