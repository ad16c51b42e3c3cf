"""The server is started with the flags of the role's own unit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.gpu_flags import ROLE, read_environment, server_argv
from provision.errors import SetupError

INSTANCE: dict[str, object] = {
    "name": "check",
    "alias": "check",
    "address": "127.0.0.1",
    "port": 9000,
    "model_file": "m.gguf",
    "cuda_visible_devices": "GPU-a,GPU-b",
    "context_tokens": 16384,
    "parallel": 2,
    "kv_type": "q8_0",
    "split_mode": "layer",
    "tensor_split": "0.4,0.6",
    "gpu_layers": 33,
    "batch": 2048,
    "ubatch": 512,
    "threads": 4,
    "embeddings": False,
    "pooling": "",
}


def _argv(role: Path = ROLE, **changes: object) -> list[str]:
    environment = read_environment({**INSTANCE, **changes}, role)
    return server_argv(environment, "check", binaries=Path("/b"), models=Path("/m"), keys=Path("/k"), role=role)


def _value(argv: list[str], flag: str) -> str:
    return argv[argv.index(flag) + 1]


def test_every_variable_is_filled_and_every_folder_is_of_this_run() -> None:
    argv = _argv()
    assert argv[0] == "/b/llama-server"
    assert _value(argv, "--model") == "/m/m.gguf"
    assert _value(argv, "--api-key-file") == "/k/check.key"
    assert not [word for word in argv if "$" in word or "%" in word or not word]


def test_what_the_plan_budgets_is_given() -> None:
    argv = _argv()
    assert _value(argv, "--ctx-size") == "16384"
    assert _value(argv, "--tensor-split") == "0.4,0.6"
    assert (_value(argv, "--fit"), _value(argv, "--flash-attn")) == ("off", "on")
    assert "--no-kv-unified" in argv
    assert _value(argv, "--verbosity") == "4"  # the memory lines are not printed below


def test_an_empty_variable_is_no_word() -> None:
    alone = _argv(tensor_split="", split_mode="none")
    assert "--tensor-split" not in alone
    assert "--embeddings" in _argv(embeddings=True)
    assert "--embeddings" not in alone


def test_a_variable_that_nobody_sets_is_named(tmp_path: Path) -> None:
    shutil.copytree(ROLE, tmp_path / "role")
    unit = tmp_path / "role" / "templates" / "llama-cpp@.service.j2"
    unit.write_text(unit.read_text().replace("--parallel ${PARALLEL}", "--parallel ${SLOTS}"))
    with pytest.raises(SetupError, match="SLOTS"):
        _argv(tmp_path / "role")
