"""A model in several GGUF files is one model, from whichever part it is asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provision.headers import read_gguf
from tests.unit.headers.gguf_writer import Key, Tensor, write_gguf
from tests.unit.headers.refusals import refused

KEYS: dict[str, object] = {"general.architecture": "llama", "llama.block_count": 6}


def write_parts(folder: Path, count: int = 3, total: int = 6, **changed: object) -> list[Path]:
    paths = []
    for index in range(count):
        keys = {"split.no": index, "split.count": count, "split.tensors.count": Key("i32", total)} | changed
        tensors = [Tensor(f"blk.{index * 2 + half}.ffn_up.weight", (256, 64), "q6_k") for half in range(2)]
        name = f"model-{index + 1:05d}-of-{count:05d}.gguf"
        paths.append(write_gguf(folder / name, (KEYS if index == 0 else {}) | keys, tensors))
    return paths


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_any_part_gives_the_whole(tmp_path: Path, asked: int) -> None:
    paths = write_parts(tmp_path)
    header = read_gguf(paths[asked])
    assert header.parts == 3
    assert header.metadata["general.architecture"] == "llama"
    assert [tensor.name for tensor in header.tensors] == [f"blk.{index}.ffn_up.weight" for index in range(6)]
    assert header.file_bytes == sum(path.stat().st_size for path in paths)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    paths = write_parts(tmp_path)
    paths[1].unlink()
    with refused("model-00002-of-00003.gguf, part 2 of 3, is missing"):
        read_gguf(paths[0])


def test_parts_that_were_renamed_or_swapped_are_refused(tmp_path: Path) -> None:
    paths = write_parts(tmp_path)
    with refused("is one part of 3, but its name does not say so"):
        read_gguf(Path(shutil.copy(paths[0], tmp_path / "model.gguf")))
    shutil.copy(paths[0], paths[2])
    with refused("is not part 3 of 3, as its name says"):
        read_gguf(paths[0])


def test_parts_of_another_split_are_refused(tmp_path: Path) -> None:
    paths = write_parts(tmp_path)
    write_gguf(paths[1], {"split.no": 1, "split.count": 4}, [Tensor("x", (4,))])
    with refused("is not part 2 of 3, as its name says"):
        read_gguf(paths[0])


def test_the_parts_together_are_complete_and_without_doubles(tmp_path: Path) -> None:
    with refused("is incomplete: 6 of 7 tensors are there"):
        read_gguf(write_parts(tmp_path, total=7)[0])
    paths = write_parts(tmp_path)
    write_gguf(paths[1], {"split.no": 1, "split.count": 3}, [Tensor("blk.0.ffn_up.weight", (4,))])
    with refused("has the tensor 'blk.0.ffn_up.weight' in two parts"):
        read_gguf(paths[0])


def test_a_split_without_sense_is_refused(tmp_path: Path) -> None:
    for number in (Key("str", "3"), Key("i32", -3), Key("f32", 3.0)):
        with refused("has no number in 'split.count'"):
            read_gguf(write_gguf(tmp_path / "m.gguf", {"split.count": number}))
    with refused("claims to be split into 99999 parts"):
        read_gguf(write_gguf(tmp_path / "m-00001-of-99999.gguf", {"split.no": 0, "split.count": 99999}))


def test_one_part_of_one_is_a_model(tmp_path: Path) -> None:
    assert read_gguf(write_gguf(tmp_path / "m.gguf", KEYS | {"split.count": 1})).parts == 1
