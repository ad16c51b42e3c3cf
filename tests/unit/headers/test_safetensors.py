"""The reader of safetensors headers and of the JSON around them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from provision.headers.json_file import load_json
from provision.headers.safetensors import read_safetensors
from provision.models.tensors import TensorInfo
from tests.unit.headers.refusals import refused
from tests.unit.headers.safetensors_writer import Tensors, entries_of, write_header, write_safetensors

TENSORS: Tensors = {"b": ("BF16", (4, 8)), "a": ("F8_E4M3", (3,)), "scalar": ("F32", ()), "none": ("I64", (0, 9))}


def test_tensors_come_in_the_order_of_their_data(tmp_path: Path) -> None:
    assert read_safetensors(write_safetensors(tmp_path / "m.safetensors", TENSORS)) == (
        TensorInfo(name="b", shape=(4, 8), type="bf16", bytes=64),
        TensorInfo(name="a", shape=(3,), type="f8_e4m3", bytes=3),
        TensorInfo(name="scalar", shape=(), type="f32", bytes=4),
        TensorInfo(name="none", shape=(0, 9), type="i64", bytes=0),
    )


def test_half_bytes_are_counted(tmp_path: Path) -> None:
    (tensor,) = read_safetensors(write_safetensors(tmp_path / "m.safetensors", {"x": ("F4", (6, 5))}))
    assert (tensor.type, tensor.bytes) == ("f4", 15)


def test_a_file_cut_anywhere_is_truncated(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "m.safetensors", TENSORS)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with refused("is truncated"):
            read_safetensors(path)


@pytest.mark.parametrize("length", [100_000_001, 2**63, 2**64 - 1])
def test_a_header_beyond_the_formats_limit_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", length) + bytes(64))
    with refused(f"claims a header of {length} bytes; the format allows 100000000"):
        read_safetensors(path)
    path.write_bytes(struct.pack("<Q", 100_000_000))
    with refused("has a header of 100000000 bytes; provision reads up to 24000000"):
        read_safetensors(path)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (None, "has no valid data_offsets for the tensor 'x'"),
        ({}, "has no valid data_offsets"),
        ({"data_offsets": [0, 4, 8]}, "has no valid data_offsets"),
        ({"data_offsets": [4, 0]}, "has no valid data_offsets"),
        ({"data_offsets": [-4, 0]}, "has no valid data_offsets"),
        ({"data_offsets": [False, True]}, "has no valid data_offsets"),
        ({"data_offsets": [0.0, 4.0]}, "has no valid data_offsets"),
        ({"data_offsets": [0, 4]}, "of the unknown type 'NoneType'"),
        ({"data_offsets": [0, 4], "dtype": "F5\x1b[0m"}, "of the unknown type 'F5\\x1b[0m'"),
        ({"data_offsets": [0, 4], "dtype": "F32"}, "has no valid shape"),
        ({"data_offsets": [0, 4], "dtype": "F32", "shape": [-1, -1]}, "has no valid shape"),
        ({"data_offsets": [0, 4], "dtype": "F32", "shape": [2**64]}, "has no valid shape"),
        ({"data_offsets": [0, 4], "dtype": "F32", "shape": [1] * 17}, "has no valid shape"),
        ({"data_offsets": [0, 4], "dtype": "F32", "shape": [2]}, "in 4 bytes, which its shape does not give"),
        ({"data_offsets": [0, 4], "dtype": "F4", "shape": [7]}, "in 4 bytes, which its shape does not give"),
        ({"data_offsets": [8, 12], "dtype": "F32", "shape": [1]}, "leaves a gap"),
        ({"data_offsets": [0, 2**70], "dtype": "F32", "shape": [2**62, 2**6]}, "is truncated"),
    ],
)
def test_entries_are_checked(tmp_path: Path, entry: object, complaint: str) -> None:
    with refused(complaint):
        read_safetensors(write_header(tmp_path / "m.safetensors", {"x": entry}, 12))


def test_tensors_may_not_overlap_or_end_early(tmp_path: Path) -> None:
    entries = entries_of({"a": ("F32", (2,)), "b": ("F32", (2,))})
    path = tmp_path / "m.safetensors"
    with refused("has 4 bytes after its last tensor"):
        read_safetensors(write_header(path, entries, 20))
    entries["b"]["data_offsets"] = [4, 12]
    with refused("has the tensor 'b' at 4 instead of 8: it overlaps the one before it"):
        read_safetensors(write_header(path, entries, 12))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "is not JSON"),
        (b"[]", "holds no JSON object"),
        (b'{"a": 1, "a": 2}', "has 'a' twice"),
        (b'{"x": {"\\u001b": 1, "\\u001b": 2}}', "has '\\x1b' twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON: it cannot be decoded"),
        (b'{"a": "\xff"}', "is not JSON: it cannot be decoded"),
        (b'{"a": "' + b'\\"' * 100_000, "is not JSON"),
        (b"{" * 40, "is nested more than 32 deep"),
        (b'{"a":' * 100_000, "is nested more than 32 deep"),
        (b"]" * 100_000 + b"[" * 100_010, "is not JSON"),
        (b'{"a": [' + b"1," * 800_001 + b"1]}", "more values than an index"),
        (b'{"a": "' + b"x" * 10_000_000 + b'"}', "has 10000009 bytes; 10000000 is the most"),
    ],
)
def test_json_is_bounded(tmp_path: Path, text: bytes, complaint: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(text)
    with refused(complaint):
        load_json(path)


def test_brackets_in_texts_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b'{"a": "\\"' + b"[" * 1000 + b'", "b": [{"c": [1.5, null, true]}]}')
    assert load_json(path) == {"a": '"' + "[" * 1000, "b": [{"c": [1.5, None, True]}]}
