"""The reader of GGUF headers: what it keeps, and what it refuses."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from provision.headers import read_gguf
from provision.headers.ggml_types import FILE_TYPES, REMOVED_TYPES
from provision.models.ggml import GGML_TYPES
from provision.models.tensors import TensorInfo
from tests.unit.headers.gguf_writer import Key, Tensor, header_bytes, pack_text, write_gguf
from tests.unit.headers.refusals import refused

KEYS: dict[str, object] = {"general.architecture": "llama", "llama.block_count": 2}
TENSORS = [Tensor("a.weight", (256, 3), "q4_k"), Tensor("b.weight", (5,), "f32"), Tensor("c.weight", (32, 2), "q8_0")]


def write_raw(path: Path, tensors: int, keys: int, body: bytes = b"", *, version: int = 3) -> Path:
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + body)
    return path


def test_the_type_table_is_the_gguf_packages() -> None:
    ours = {number: (kind.name.upper(), kind.block, kind.bytes) for number, kind in GGML_TYPES.items()}
    theirs = {kind.value: (kind.name, *sizes) for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    theirs[9] = ("Q8_1", 32, 36)  # gguf 0.19 says 40; ggml-common.h asserts 36, and so does the pinned build's gguf-py
    assert {number: ours[number] for number in theirs} == theirs
    assert not set(ours) & set(REMOVED_TYPES)
    assert sorted({*ours, *REMOVED_TYPES}) == list(range(43))  # GGML_TYPE_COUNT of the pinned build


def test_the_names_of_mixes_are_the_gguf_packages() -> None:
    theirs = {kind.value: kind.name.removeprefix("MOSTLY_").removeprefix("ALL_") for kind in gguf.LlamaFileType}
    ours = {number: name.upper() for number, name in FILE_TYPES.items()} | {38: "MXFP4_MOE"}
    assert {number: ours.get(number) for number in theirs if number < 1024} == {
        number: name for number, name in theirs.items() if number < 1024
    }


@pytest.mark.parametrize("version", [2, 3])
def test_keys_and_tensors_are_read(tmp_path: Path, version: int) -> None:
    keys = KEYS | {
        "llama.pattern": [True, False, True],
        "llama.rope.freq_base": Key("f32", 0.5),
        "llama.big": Key("u64", 2**40),
        "llama.negative": Key("i32", -1),
        "tokenizer.ggml.tokens": ["<s>", "", "ß", "x" * 70_000],
        "tokenizer.ggml.scores": Key("[f32]", [0.0] * 4),
        "tokenizer.chat_template": "{{ messages }}",
        "general.description": "y" * 2000,
        "llama.long": Key("[u32]", list(range(2000))),
        "general.name": "A name",
    }
    header = read_gguf(write_gguf(tmp_path / "m.gguf", keys, TENSORS, version=version))
    assert header.version == version
    assert header.metadata == {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "llama.pattern": (True, False, True),
        "llama.rope.freq_base": 0.5,
        "llama.big": 2**40,
        "llama.negative": -1,
        "general.name": "A name",
    }
    assert header.array_lengths == {
        "llama.pattern": 3,
        "tokenizer.ggml.tokens": 4,
        "tokenizer.ggml.scores": 4,
        "llama.long": 2000,
    }
    assert header.tensors == (
        TensorInfo(name="a.weight", shape=(256, 3), type="q4_k", bytes=432),
        TensorInfo(name="b.weight", shape=(5,), type="f32", bytes=20),
        TensorInfo(name="c.weight", shape=(32, 2), type="q8_0", bytes=68),
    )
    assert header.header_bytes == len(header_bytes(keys, TENSORS, version=version)[0])


def test_a_file_of_the_gguf_package_is_read(tmp_path: Path) -> None:
    path = tmp_path / "real.gguf"
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_block_count(4)
    writer.add_token_list(["a", "b", "c"])
    writer.add_token_scores([0.0, 1.0, 2.0])
    writer.add_custom_alignment(64)
    writer.add_tensor("token_embd.weight", np.zeros((3, 8), dtype=np.float16))
    writer.add_tensor(
        "blk.0.attn_q.weight", np.zeros((4, 34), dtype=np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q8_0
    )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = read_gguf(path)
    theirs = gguf.GGUFReader(path)
    assert header.metadata == {"general.architecture": "qwen3", "qwen3.block_count": 4, "general.alignment": 64}
    assert header.array_lengths == {"tokenizer.ggml.tokens": 3, "tokenizer.ggml.scores": 3}
    assert [(one.name, one.shape, one.type.upper(), one.bytes) for one in header.tensors] == [
        (one.name, tuple(int(side) for side in one.shape), one.tensor_type.name, int(one.n_bytes))
        for one in theirs.tensors
    ]


def test_a_sparse_file_of_40_gib_is_read(tmp_path: Path) -> None:
    tensors = [Tensor(f"blk.{index}.ffn_up.weight", (8192, 28672), "q4_k") for index in range(320)]
    path = write_gguf(tmp_path / "m.gguf", KEYS, tensors)
    header = read_gguf(path)
    assert header.file_bytes > 39 << 30
    assert path.stat().st_blocks * 512 < 1 << 20
    assert sum(tensor.bytes for tensor in header.tensors) == 320 * 8192 * 28672 * 144 // 256


@pytest.mark.parametrize("missing", [1, 20, 700])
def test_a_file_cut_within_its_data_is_truncated(tmp_path: Path, missing: int) -> None:
    path = write_gguf(tmp_path / "m.gguf", KEYS, TENSORS)
    os.truncate(path, path.stat().st_size - missing)
    with refused("is truncated"):
        read_gguf(path)


def test_a_header_cut_anywhere_is_truncated(tmp_path: Path) -> None:
    keys = KEYS | {"tokenizer.ggml.tokens": ["one", "two"], "llama.pattern": [1, 2, 3]}
    header, _ = header_bytes(keys, TENSORS)
    path = tmp_path / "m.gguf"
    for length in range(1, len(header)):
        path.write_bytes(header[:length])
        with refused("is truncated"):
            read_gguf(path)


def test_other_files_are_no_gguf(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    for content in (b"", b"GG UF", b"PK\x03\x04" * 9):
        path.write_bytes(content)
        with refused("is not a GGUF file"):
            read_gguf(path)
    with refused("cannot be read: No such file"):
        read_gguf(tmp_path / "none.gguf")
    with refused("is not a file"):
        read_gguf(tmp_path)
    with refused("is not a file"):
        read_gguf(Path("/dev/zero"))
    with refused("cannot be read: not a valid path"):
        read_gguf(Path("a\0b"))


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with refused("is not a file"):
        read_gguf(tmp_path / "pipe.gguf")


def test_other_versions_and_byte_orders_are_named(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + struct.pack(">IQQ", 3, 1, 1))
    with refused("is big endian"):
        read_gguf(path)
    for version in (0, 1, 4, 2**32 - 1):
        with refused(f"is GGUF version {version}; llama.cpp reads 2 and 3"):
            read_gguf(write_raw(path, 0, 0, version=version))


@pytest.mark.parametrize("count", [32_769, 2**31, 2**63, 2**64 - 1])
def test_absurd_counts_are_refused(tmp_path: Path, count: int) -> None:
    with refused(f"claims {count} tensors"):
        read_gguf(write_raw(tmp_path / "m.gguf", count, 0))
    with refused(f"claims {count} keys"):
        read_gguf(write_raw(tmp_path / "m.gguf", 0, count))


def test_counts_that_the_file_cannot_hold_are_refused(tmp_path: Path) -> None:
    with refused("is truncated: 24 bytes do not hold its 16384 keys"):
        read_gguf(write_raw(tmp_path / "m.gguf", 0, 16_384))
    with refused("is truncated: 24 bytes do not hold its 1000 tensors"):
        read_gguf(write_raw(tmp_path / "m.gguf", 1000, 0))


@pytest.mark.parametrize("length", [2**27, 2**40, 2**63, 2**64 - 1])
def test_absurd_lengths_are_refused(tmp_path: Path, length: int) -> None:
    path, raw = tmp_path / "m.gguf", struct.pack("<Q", length)
    with refused(f"has a key of {length} bytes"):
        read_gguf(write_raw(path, 0, 1, raw + bytes(32)))
    for value in (
        struct.pack("<I", 8) + raw,  # a string
        struct.pack("<II", 9, 8) + raw,  # strings
        struct.pack("<IIQ", 9, 8, 2) + raw,  # a string among strings
        struct.pack("<II", 9, 5) + raw,  # numbers
    ):
        with refused("more than a header holds (64 MiB)"):
            read_gguf(write_raw(path, 0, 1, pack_text("llama.x") + value + bytes(64)))


def test_arrays_of_arrays_and_unknown_values_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    with refused("has an array of arrays in 'k'"):
        read_gguf(write_raw(path, 0, 1, pack_text("k") + struct.pack("<IIQ", 9, 9, 1) + bytes(64)))
    with refused("has the unknown value type 13 in 'k'"):
        read_gguf(write_raw(path, 0, 1, pack_text("k") + struct.pack("<I", 13) + bytes(64)))
    with refused("has the unknown value type 99 in 'k'"):
        read_gguf(write_raw(path, 0, 1, pack_text("k") + struct.pack("<IIQ", 9, 99, 1) + bytes(64)))


def test_keys_are_checked(tmp_path: Path) -> None:
    path, value = tmp_path / "m.gguf", struct.pack("<IB", 0, 1)
    with refused("has the key 'a\\x1b[31m' twice"):
        read_gguf(write_raw(path, 0, 2, (pack_text("a\x1b[31m") + value) * 2))
    with refused("has a key without a name"):
        read_gguf(write_raw(path, 0, 1, pack_text("") + value))
    with refused("has a key that is not UTF-8"):
        read_gguf(write_raw(path, 0, 1, pack_text(b"\xff\xfe") + value))
    for alignment in (Key("u32", 0), Key("u32", 48), Key("str", "32"), Key("bool", True), Key("i32", -32)):
        with refused("has an alignment of"):
            read_gguf(write_gguf(path, {"general.alignment": alignment}, TENSORS))


def test_tensors_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    for tensor, complaint in (
        (Tensor("a", (4,) * 5), "with 5 dimensions; 4 is the most"),
        (Tensor("a", (2**62, 4)), "with the impossible shape"),
        (Tensor("a", (2**64 - 1,)), "with the impossible shape"),
        (Tensor("a", (100,), "q4_k"), "with rows of 100; q4_k has blocks of 256"),
        (Tensor("a", (), "q8_0"), "with rows of 1; q8_0 has blocks of 32"),
        (Tensor("", (4,)), "has no name for tensor 0"),
        (Tensor("a" * 64, (4,)), "has a tensor's name of 64 bytes; 63 is the most"),
    ):
        header, _ = header_bytes({}, [tensor])
        path.write_bytes(header + bytes(4096))
        with refused(complaint):
            read_gguf(path)
    with refused("has the tensor 'a' twice"):
        read_gguf(write_gguf(path, {}, [Tensor("a", (8,)), Tensor("a", (8,))]))


@pytest.mark.parametrize(
    ("number", "name"), [(4, "'q4_2', which was removed"), (43, "unknown"), (2**32 - 1, "unknown")]
)
def test_other_tensor_types_are_named(tmp_path: Path, number: int, name: str) -> None:
    body = pack_text("a") + struct.pack("<IQIQ", 1, 32, number, 0) + bytes(256)
    with refused(f"of ggml type {number}, ") as _:
        read_gguf(write_raw(tmp_path / "m.gguf", 1, 0, body))
    with refused(name):
        read_gguf(write_raw(tmp_path / "m.gguf", 1, 0, body))


@pytest.mark.parametrize(
    ("offsets", "fault"),
    [
        ((0, 0), "overlaps"),
        ((0, 16), "overlaps"),
        ((0, 64), "leaves a gap"),
        ((32, 0), "leaves a gap"),
        ((0, 2**63), "leaves a gap"),
        ((2**64 - 32, 0), "leaves a gap"),
    ],
)
def test_tensors_lie_one_after_another(tmp_path: Path, offsets: tuple[int, int], fault: str) -> None:
    tensors = [Tensor(name, (8,), offset=offset) for name, offset in zip("ab", offsets, strict=True)]
    with refused(fault):
        read_gguf(write_gguf(tmp_path / "m.gguf", {}, tensors))


def test_a_file_without_tensors_is_a_header(tmp_path: Path) -> None:
    assert read_gguf(write_gguf(tmp_path / "m.gguf", KEYS)).tensors == ()
