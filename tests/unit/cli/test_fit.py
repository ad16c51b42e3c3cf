"""`provision fit` as typed: the contract of its JSON, files of one's own, and every kind of bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.gguf_files import write_gguf
from provision.catalog import load_catalog
from provision.cli.main import run

Captured = pytest.CaptureFixture[str]
CONTRACT = ["--model", "llama3.3-70b", "--quant", "q4_k_m", "--gpu", "rtx-4090", "--count", "2"]


def ask(capsys: Captured, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["fit", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_contract(capsys: Captured) -> None:
    how = ["--context", "8192", "--parallel", "2", "--kv", "q8_0", "--engine", "ollama"]
    code, answer = ask(capsys, *CONTRACT, *how)
    assert code == 0
    assert {
        "verdict", "per_gpu", "host_mib", "max_context_tokens", "decode_tok_s", "load_s", "reasons", "suggestions",
    } <= set(answer)  # fmt: skip
    (first, _) = answer["per_gpu"]
    assert set(first) == {
        "index", "weights_mib", "kv_mib", "compute_mib", "overhead_mib", "total_mib", "usable_mib",
    }  # fmt: skip
    assert set(answer["decode_tok_s"]) == {"bound", "expected"}
    assert answer["engine"] == "ollama"


def test_too_large_is_exit_4_with_suggestions(capsys: Captured) -> None:
    code, answer = ask(capsys, *CONTRACT[:-1], "1")
    assert (code, answer["verdict"]) == (4, "no")
    assert answer["suggestions"]


def test_an_article_s_name_is_explained(capsys: Captured) -> None:
    code, answer = ask(capsys, "--model", "Mistral Large 2", "--quant", "q4_k_m", "--gpu", "h200")
    assert code == 0
    assert answer["model"] == "mistral-large-2407"
    assert any("licence" in reason for reason in answer["reasons"])
    _, answer = ask(capsys, "--model", "Codestral Mamba 32B", "--quant", "q8_0", "--gpu", "rtx-4090")
    assert answer["model"] == "codestral-mamba-7b"
    assert "7" in answer["reasons"][0]


def test_a_gguf_gives_what_the_catalogue_gives(capsys: Captured, tmp_path: Path) -> None:
    """The catalogue's model, written as a file (header only, the data is a hole), is judged as the catalogue's."""
    file = tmp_path / "m.gguf"
    write_gguf(load_catalog().models["llama3.3-70b"].architecture, "q4_k_m", file)
    how = ["--gpu", "rtx-4090", "--count", "2", "--context", "8192", "--parallel", "2", "--kv", "q8_0"]
    code, own = ask(capsys, "--gguf", str(file), *how)
    assert code == 0
    _, known = ask(capsys, *CONTRACT, *how[4:])
    assert own["per_gpu"] == known["per_gpu"]
    assert own["max_context_tokens"] == known["max_context_tokens"]


def test_a_configuration_folder(capsys: Captured, tmp_path: Path) -> None:
    config = {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 4096, "num_hidden_layers": 36,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 12288,
        "vocab_size": 151936, "max_position_embeddings": 40960, "torch_dtype": "bfloat16",
        "tie_word_embeddings": False,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    code, answer = ask(capsys, "--config", str(tmp_path), "--gpu", "rtx-4090", "--engine", "vllm")
    assert code == 0
    # 8.19 billion parameters of 2 bytes are 15623 MiB, the table among them.
    assert answer["per_gpu"][0]["weights_mib"] == pytest.approx(15623, rel=0.01)


@pytest.mark.parametrize(
    ("model", "quant", "count"),
    [("llama3.3-70b", "bf16", "2"), ("gpt-oss-120b", "mxfp4", "2"), ("qwen3-coder-480b-a35b", "fp8", "4")],
)
def test_what_is_suggested_for_vllm_can_be_asked_of_vllm(model: str, quant: str, count: str, capsys: Captured) -> None:
    """A GGUF's quantisation is no answer there: each suggestion, typed in, fits."""
    asked = {"--model": model, "--quant": quant, "--gpu": "rtx-4090", "--count": count, "--engine": "vllm"}
    code, answer = ask(capsys, *(word for pair in asked.items() for word in pair))
    assert code == 4
    assert answer["suggestions"]
    for found in answer["suggestions"]:
        words = found["options"].split()
        told = asked | dict(zip(words[::2], words[1::2], strict=True))
        assert ask(capsys, *(word for pair in told.items() for word in pair))[0] == 0, found["options"]


BAD = [
    (["--model", "llama-3.3-70", "--quant", "q4_k_m", "--gpu", "rtx-4090"], 2, "llama3.3-70b"),
    (["--model", "claude opus", "--quant", "q4_k_m", "--gpu", "rtx-4090"], 2, "no public weights"),
    (["--model", "qwen3-8b", "--quant", "q9", "--gpu", "rtx-4090"], 2, "q4_k_m"),
    (["--model", "qwen3-8b", "--gpu", "rtx-4090"], 2, "no quantisation"),
    (["--model", "qwen3-8b", "--quant", "q8_0", "--gpu", "rtx-4091"], 2, "rtx-4090"),
    (["--model", "qwen3-8b", "--quant", "q8_0", "--gpu", "rtx-4090", "--count", "0"], 2, "--count"),
    (["--model", "qwen3-8b", "--quant", "q8_0", "--gpu", "rtx-4090", "--context", "40961"], 4, "40960"),
    (["--model", "qwen3-8b", "--quant", "q8_0", "--gpu", "rtx-4090", "--context", "1"], 2, "--context"),
    (["--model", "qwen3-8b", "--quant", "q8_0", "--gpu", "rtx-4090", "--kv", "q2"], 2, "f16, q8_0, q4_0"),
    (["--model", "qwen3-8b", "--quant", "q8_0", "--gpu", "rtx-4090", "--engine", "litellm"], 2, "llama.cpp"),
    (["--model", "qwen3-8b", "--quant", "q8_0", "--gpu", "rtx-4090", "--utilisation", "0.9"], 2, "--engine vllm"),
    (["--model", "qwen3-8b", "--quant", "bf16", "--gpu", "rtx-4090", "--engine", "vllm", "--kv", "q8_0"], 2, "fp8"),
    (["--model", "llama3.3-70b", "--quant", "bf16", "--gpu", "h100-sxm", "--count", "3", "--engine", "vllm"], 4, "3"),
    (["--gpu", "rtx-4090"], 2, "--gguf"),
    (["--gpu", "rtx-4090", "--model", "qwen3-8b", "--gguf", "x"], 2, "more than one"),
    (["--gpu", "rtx-4090", "--gguf", "absent.gguf"], 2, "absent.gguf"),
    (["--gpu", "rtx-4090", "--config", "absent"], 2, "absent"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), BAD, ids=[" ".join(case[0][-3:]) for case in BAD])
def test_bad_input_is_three_lines(arguments: list[str], code: int, words: str, capsys: Captured) -> None:
    assert run(["fit", *arguments]) == code
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert [line[:7] for line in lines[:3]] == ["Error: ", "Where: ", " Hint: "]
    assert words in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("damage", [b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 16, b"\0" * 4096])
def test_a_file_that_is_no_model(damage: bytes, capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(damage)
    assert run(["fit", "--gguf", str(file), "--gpu", "rtx-4090"]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
