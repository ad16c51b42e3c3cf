"""Time and memory: a large vocabulary is passed over, and no hostile file makes the reader large."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.headers import read_gguf
from provision.headers.json_file import INDEX_LIMIT
from provision.headers.source import HEADER_LIMIT
from tests.unit.headers.gguf_writer import Key, Tensor, pack_text, write_gguf

CHILD = """
import sys
from pathlib import Path
from provision.errors import ProvisionError
from provision.headers import read_config, read_gguf
path = Path(sys.argv[1])
try:
    read_gguf(path) if path.suffix == ".gguf" else read_config(path)
except ProvisionError as error:
    print(error.what)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) // 1024)  # not ru_maxrss, which a child inherits from the tests' process
"""


def peak_mib(path: Path) -> tuple[str, int]:
    """What was said of the file, and the most memory of a process of its own that read it, in MiB."""
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    *said, peak = ran.stdout.splitlines()
    return " ".join(said), int(peak)


def large_vocabulary(path: Path) -> Path:
    keys = {
        "general.architecture": "llama",
        "tokenizer.ggml.tokens": [f"token{index}" for index in range(256_000)],
        "tokenizer.ggml.scores": Key("[f32]", [0.0] * 256_000),
        "tokenizer.ggml.merges": [f"a b{index}" for index in range(250_000)],
    }
    tensors = [Tensor(f"blk.{index // 10}.part{index % 10}.weight", (8192, 8192), "q4_k") for index in range(1000)]
    return write_gguf(path, keys, tensors)


def test_a_vocabulary_of_256k_tokens_takes_little_time_and_memory(tmp_path: Path) -> None:
    path = large_vocabulary(tmp_path / "m.gguf")
    started = time.process_time()
    header = read_gguf(path)
    assert time.process_time() - started < 2
    assert header.array_lengths["tokenizer.ggml.tokens"] == 256_000
    tracemalloc.start()
    read_gguf(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def empty_strings(path: Path) -> None:
    """As many strings as a header may hold."""
    count = HEADER_LIMIT // 8 - 64
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + pack_text("k") + struct.pack("<IIQ", 9, 8, count))
    with path.open("r+b") as file:
        file.truncate(1 << 40)


def many_keys(path: Path) -> None:
    value = struct.pack("<I", 8) + pack_text("v" * 1024)
    body = b"".join(pack_text(f"{index:01024d}") + value for index in range(16_384))
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 16_384) + body)


def many_arrays(path: Path) -> None:
    numbers = struct.pack("<IIQ1024d", 9, 12, 1024, *(float(number) for number in range(1024)))
    path.write_bytes(
        b"GGUF" + struct.pack("<IQQ", 3, 0, 4096) + b"".join(pack_text(f"k{index}") + numbers for index in range(4096))
    )


def many_tensors(path: Path) -> None:
    tensors = (pack_text(f"{index:063d}") + struct.pack("<I4QIQ", 4, 0, 9, 9, 9, 0, 0) for index in range(32_768))
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 32_768, 0) + b"".join(tensors) + bytes(64))


def write_safetensors(path: Path, header: bytes) -> None:
    config = {"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 1, "hidden_size": 8, "vocab_size": 8}
    config |= {"max_position_embeddings": 8, "num_attention_heads": 1, "intermediate_size": 8}
    path.with_name("config.json").write_text(json.dumps(config))
    path.with_name("model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)


def large_index(path: Path) -> None:
    """An index of as many files as its limits let through."""
    write_safetensors(path, b"{}")
    names = {f"t{index:06d}": f"{index:074d}.safetensors" for index in range(240_000)}
    path.with_name("model.safetensors.index.json").write_text(json.dumps({"weight_map": names}, separators=(",", ":")))


def fill(path: Path, item: str, wrap: str = "{{{}}}") -> None:
    """A header as long as is read, made of one item over and over."""
    body = ",".join(item.format(index) for index in range((INDEX_LIMIT - 10) // (len(item.format(0)) + 1)))
    write_safetensors(path, wrap.format(body).encode())


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("m.gguf", empty_strings, ""),
        ("m.gguf", many_keys, ""),
        ("m.gguf", many_arrays, ""),
        ("m.gguf", many_tensors, ""),
        ("config.json", large_index, "names files that are not weights beside it"),
        ("config.json", lambda path: fill(path, '"n{:07d}":[]'), "more values"),
        ("config.json", lambda path: fill(path, "[]", '{{"a":[{}]}}'), "more values"),
        ("config.json", lambda path: fill(path, '""', "{}"), "more values"),
        (
            "config.json",
            lambda path: fill(path, '"n{:07d}":{{"data_offsets":"' + "x" * 190 + '"}}'),
            "32768 is the most",
        ),
        (
            "config.json",
            lambda path: write_safetensors(path, b'{"a":"' + b"\xf0\x9f\x98\x80" * 5_000_000 + b'"}'),
            "ASCII",
        ),
        ("config.json", lambda path: write_safetensors(path, b"[" * INDEX_LIMIT), "nested more than 32 deep"),
    ],
    ids=["strings", "keys", "arrays", "tensors", "index", "entries", "lists", "texts", "objects", "letters", "depth"],
)
def test_hostile_files_stay_under_200_mb(tmp_path: Path, name: str, write: Callable[[Path], None], said: str) -> None:
    path = tmp_path / name
    write(path)
    what, peak = peak_mib(path)
    assert said in what
    assert bool(what) == bool(said)
    assert peak < 190
