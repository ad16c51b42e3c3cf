"""Whatever a file holds, it is read or refused in three lines: nothing else is raised, and memory stays small."""

from __future__ import annotations

import json
import struct
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.headers import ModelShape, read_config, read_gguf, shape_of_gguf
from tests.unit.headers.families import CASES, Case
from tests.unit.headers.gguf_writer import Key, Tensor, header_bytes
from tests.unit.headers.mutations import NUMBERS, mutations
from tests.unit.headers.refusals import read_or_refuse
from tests.unit.headers.safetensors_writer import Tensors, entries_of

PEAK = 100 << 20
"""Bytes that Python may allocate beside what the interpreter and its imports take (about 40 MiB)."""
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEYS: dict[str, object] = {
    "general.architecture": "llama",
    "general.alignment": 32,
    "llama.block_count": 2,
    "llama.context_length": 64,
    "llama.embedding_length": 8,
    "llama.feed_forward_length": 16,
    "llama.attention.head_count": [2, 2],
    "tokenizer.ggml.tokens": ["a", "b", "c", "d"],
    "tokenizer.ggml.scores": Key("[f32]", [0.0] * 4),
    "split.count": 1,
}
TENSORS = [Tensor("token_embd.weight", (8, 4)), Tensor("blk.0.attn_k.weight", (8, 8)), Tensor("output.weight", (8, 4))]
SMALL, SMALL_SIZE = header_bytes(KEYS, TENSORS)
WEIGHTS: Tensors = {
    "model.embed_tokens.weight": ("BF16", (4, 8)),
    "model.layers.0.self_attn.k_proj.weight": ("F32", (8, 8)),
}
SAFE = json.dumps(entries_of(WEIGHTS)).encode()
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([2**63, -1, 1e300, "\ud800"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < PEAK
    finally:
        tracemalloc.stop()


def read_shape(path: Path) -> ModelShape:
    """The shape, whose texts a person may safely read on a terminal."""
    shape = shape_of_gguf(read_gguf(path))
    assert all(text.isprintable() for text in (shape.name, shape.architecture.family, shape.weight_type, *shape.notes))
    return shape


def write_small(path: Path, header: bytes, size: int = SMALL_SIZE) -> Path:
    with path.open("wb") as file:
        file.write(header)
        file.truncate(max(size, len(header)))
    return path


def test_the_small_header_is_well_formed(place: Path) -> None:
    assert read_shape(write_small(place / "m.gguf", SMALL)).architecture.layers == 2


@FUZZ
@given(header=mutations(SMALL), size=st.sampled_from([SMALL_SIZE, 0, 1 << 40]))
def test_a_mutated_header_is_read_or_refused(place: Path, header: bytes, size: int) -> None:
    path = write_small(place / "m.gguf", header, size)
    with little_memory():
        read_or_refuse(read_shape, path)


@FUZZ
@given(content=st.binary(max_size=400), start=st.sampled_from([b"", b"GGUF", b"GGUF\x03\0\0\0"]))
def test_any_bytes_are_read_or_refused(place: Path, content: bytes, start: bytes) -> None:
    (place / "m.gguf").write_bytes(start + content)
    with little_memory():
        read_or_refuse(read_shape, place / "m.gguf")


def test_every_number_at_every_byte_is_read_or_refused(place: Path) -> None:
    """A count, a length or an offset stands somewhere in the header: each place gets each of the worst numbers."""
    with little_memory():
        for at in range(len(SMALL) - 7):
            for number in NUMBERS:
                header = SMALL[:at] + struct.pack("<Q", number) + SMALL[at + 8 :]
                read_or_refuse(read_shape, write_small(place / "m.gguf", header))


def test_every_length_of_a_header_is_read_or_refused(place: Path) -> None:
    with little_memory():
        for length in range(len(SMALL)):
            assert read_or_refuse(read_shape, write_small(place / "m.gguf", SMALL[:length], 0)) is None


@FUZZ
@given(
    offsets=st.permutations([0, 128, 384]) | st.lists(st.sampled_from([0, 32, 128, *NUMBERS]), min_size=3, max_size=3)
)
def test_only_the_one_order_of_tensors_is_read(place: Path, offsets: list[int]) -> None:
    tensors = [Tensor(one.name, one.shape, offset=offset) for one, offset in zip(TENSORS, offsets, strict=True)]
    found = read_or_refuse(read_shape, write_small(place / "m.gguf", header_bytes(KEYS, tensors)[0]))
    assert (found is not None) == (list(offsets) == [0, 128, 384])


@FUZZ
@given(case=st.sampled_from(list(CASES.values())), data=st.data())
def test_any_value_of_any_key_is_read_or_refused(place: Path, case: Case, data: st.DataObject) -> None:
    keys = case.gguf_keys()
    value = data.draw(
        st.sampled_from([Key("u64", number) for number in NUMBERS])
        | st.sampled_from([Key("str", "x"), Key("f32", 1.5), Key("bool", True), Key("i32", -1), Key("[u32]", [])])
        | st.lists(st.integers(0, 2**32 - 1), max_size=80).map(lambda numbers: Key("[u32]", numbers))
    )
    keys[data.draw(st.sampled_from(sorted(keys)))] = value
    header, size = header_bytes(keys, case.gguf_tensors())
    read_or_refuse(read_shape, write_small(place / "m.gguf", header, size))


@FUZZ
@given(header=mutations(SAFE), length=st.none() | st.sampled_from(NUMBERS))
def test_a_mutated_safetensors_header_is_read_or_refused(place: Path, header: bytes, length: int | None) -> None:
    (place / "config.json").write_text(json.dumps(CASES["llama_70b"].config))
    size = struct.pack("<Q", len(header) if length is None else length)
    (place / "model.safetensors").write_bytes(size + header + bytes(64 + 256))
    with little_memory():
        read_or_refuse(read_config, place)
    (place / "model.safetensors").unlink()


@FUZZ
@given(case=st.sampled_from(list(CASES.values())), data=st.data(), junk=JUNK)
def test_any_configuration_is_read_or_refused(place: Path, case: Case, data: st.DataObject, junk: object) -> None:
    config = dict(case.config)
    config[data.draw(st.sampled_from([*config, "text_config", "layer_types", "quantization_config"]))] = junk
    (place / "config.json").write_text(json.dumps(config))
    with little_memory():
        read_or_refuse(read_config, place)


@FUZZ
@given(text=mutations(json.dumps(CASES["qwen3_next"].config).encode()) | st.binary(max_size=200))
def test_any_text_for_a_configuration_is_read_or_refused(place: Path, text: bytes) -> None:
    (place / "config.json").write_bytes(text)
    with little_memory():
        read_or_refuse(read_config, place)


@FUZZ
@given(index=JUNK | st.fixed_dictionaries({"metadata": JUNK, "weight_map": JUNK}))
def test_any_index_is_read_or_refused(place: Path, index: object) -> None:
    (place / "config.json").write_text(json.dumps(CASES["llama_70b"].config))
    (place / "model.safetensors.index.json").write_text(json.dumps(index))
    read_or_refuse(read_config, place)
    (place / "model.safetensors.index.json").unlink()


def test_a_reader_that_raises_something_else_is_caught(place: Path) -> None:
    def broken(path: Path) -> None:
        raise KeyError(path)

    reader: Callable[[Path], None] = broken
    with pytest.raises(KeyError):
        read_or_refuse(reader, place)
