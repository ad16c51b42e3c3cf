"""What a GGUF's keys and tensors say together, and where they contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from provision.headers import ModelShape, read_gguf, shape_of_gguf
from provision.models.architecture import Window
from tests.unit.headers.families import (
    DEEPSEEK_R1,
    DEEPSEEK_V4_FLASH,
    GEMMA3_270M,
    GPT_OSS_20B,
    LLAMA4_SCOUT,
    LLAMA_70B,
    QWEN3_NEXT,
    Case,
    keys_of,
)
from tests.unit.headers.gguf_writer import Tensor, write_gguf
from tests.unit.headers.refusals import refused


def shape_of(
    path: Path, case: Case, changes: Mapping[str, object] | None = None, tensors: Sequence[Tensor] | None = None
) -> ModelShape:
    """The case with some keys changed; None drops a key."""
    family = case.expected.family
    keys = case.gguf_keys() | {f"{family}.{key}": value for key, value in (changes or {}).items()}
    kept = {key: value for key, value in keys.items() if value is not None}
    return shape_of_gguf(read_gguf(write_gguf(path / "m.gguf", kept, tensors or case.gguf_tensors())))


def plain(family: str, *extra: Tensor, **more: object) -> tuple[dict[str, object], list[Tensor]]:
    keys = keys_of(2, 64, 1024, 4, 2) | {"feed_forward_length": 128} | more
    tensors = [Tensor("token_embd.weight", (64, 100)), Tensor("output.weight", (64, 100)), *extra]
    return {"general.architecture": family} | {f"{family}.{key}": value for key, value in keys.items()}, tensors


def test_an_unknown_architecture_is_taken_as_ordinary_attention(tmp_path: Path) -> None:
    keys, tensors = plain("newarch", **{"ssm.conv_kernel": 4, "attention.sliding_window": 512})
    shape = shape_of_gguf(read_gguf(write_gguf(tmp_path / "m.gguf", keys, tensors)))
    assert shape.architecture.family == "newarch"
    assert (shape.architecture.kv_heads, shape.architecture.key_dim, shape.architecture.window) == (2, 16, None)
    assert shape.notes == (
        "unknown architecture 'newarch', treated as grouped-query attention over the whole context; "
        "not taken into account: attention.sliding_window, ssm.conv_kernel",
    )


@pytest.mark.parametrize("family", ["phi3", "command-r", "gemma2", "qwen35", "mamba"])
def test_these_families_are_known(tmp_path: Path, family: str) -> None:
    state = {"ssm.conv_kernel": 4, "ssm.inner_size": 128, "ssm.state_size": 16, "ssm.time_step_rank": 4}
    keys, tensors = plain(family, **{**state, "full_attention_interval": 2})
    shape = shape_of_gguf(read_gguf(write_gguf(tmp_path / "m.gguf", keys, tensors)))
    assert shape.notes == ()
    window = Window(tokens=4096, kind="sliding") if family == "gemma2" else None
    assert shape.architecture.window == window
    assert (shape.architecture.state_space is not None) == (family in ("qwen35", "mamba"))
    assert shape.architecture.full_attention_every == (2 if family in ("gemma2", "qwen35") else None)


def test_the_name_is_the_files_own_and_printable(tmp_path: Path) -> None:
    keys, tensors = plain("llama")
    path = write_gguf(tmp_path / "stem.gguf", keys | {"general.name": "a\x1b[31mname"}, tensors)
    assert shape_of_gguf(read_gguf(path)).name == "a\\x1b[31mname"
    assert shape_of_gguf(read_gguf(write_gguf(path, keys, tensors))).name == "stem"


def test_the_files_mix_or_the_type_of_most_bytes_names_the_weights(tmp_path: Path) -> None:
    keys, tensors = plain("llama", Tensor("blk.0.ffn_up.weight", (512, 512), "q4_k"), Tensor("x", (512, 9), "q6_k"))
    for said, name in (({}, "q4_k"), ({"general.file_type": 15}, "q4_k_m"), ({"general.file_type": 1024}, "q4_k")):
        assert shape_of_gguf(read_gguf(write_gguf(tmp_path / "m.gguf", keys | said, tensors))).weight_type == name


def test_windows_follow_the_files_pattern(tmp_path: Path) -> None:
    pattern = "attention.sliding_window_pattern"
    for value, every in ((3, 3), ([True, True, False] * 6, 3), (0, None), ([True] * 18, None)):
        found = shape_of(tmp_path, GEMMA3_270M, {pattern: value}).architecture
        assert (found.full_attention_every, found.window) == (every, Window(tokens=512, kind="sliding"))
    for value in (1, [False] * 18):
        found = shape_of(tmp_path, GEMMA3_270M, {pattern: value}).architecture
        assert (found.full_attention_every, found.window) == (None, None)
    assert shape_of(tmp_path, GEMMA3_270M, {"attention.sliding_window": None}).architecture.window is None
    assert shape_of(tmp_path, LLAMA4_SCOUT, {"attention.sliding_window": 0}).architecture.window is None
    with refused("attention.sliding_window_pattern has 3 elements for 24 layers"):
        shape_of(tmp_path, GPT_OSS_20B, {pattern: [True, False, True]})


def test_an_irregular_pattern_is_counted_high_and_said(tmp_path: Path) -> None:
    flags = [False, *[True] * 10, False, *[True] * 6]
    shape = shape_of(tmp_path, GEMMA3_270M, {"attention.sliding_window_pattern": flags})
    assert shape.architecture.full_attention_every == 9
    assert shape.notes == ("2 of its 18 layers see the whole context, in no regular order: counted as one in 9",)


def test_a_window_that_llama_cpp_ignores_is_ignored_and_said(tmp_path: Path) -> None:
    shape = shape_of(tmp_path, LLAMA_70B, {"attention.sliding_window": 4096})
    assert shape.architecture == LLAMA_70B.expected
    assert shape.notes == (
        "its window of 4096 tokens is not used: llama.cpp gives every layer of 'llama' the whole context",
    )


def test_recurrent_layers_may_be_listed(tmp_path: Path) -> None:
    listed = {"full_attention_interval": None, "attention.recurrent_layers": [True, True, True, False] * 12}
    assert shape_of(tmp_path, QWEN3_NEXT, listed).architecture == QWEN3_NEXT.expected
    with refused("no layer of this hybrid has attention"):
        shape_of(tmp_path, QWEN3_NEXT, {"attention.recurrent_layers": [True] * 48})


def test_an_old_deepseek_conversion_caches_every_head(tmp_path: Path) -> None:
    old: dict[str, object] = {"attention.key_length_mla": None, "attention.value_length_mla": None}
    old |= {"attention.head_count_kv": 128, "attention.key_length": 192, "attention.value_length": 128}
    shape = shape_of(tmp_path, DEEPSEEK_R1, old)
    assert shape.architecture.latent is None
    assert (shape.architecture.kv_heads, shape.architecture.key_dim, shape.architecture.value_dim) == (128, 192, 128)
    assert "old conversion" in shape.notes[0]


def test_a_prediction_head_is_left_out(tmp_path: Path) -> None:
    head = Tensor("blk.80.ffn_up.weight", (8192, 1024), "q8_0")
    more = {"block_count": 81, "nextn_predict_layers": 1}
    shape = shape_of(tmp_path, LLAMA_70B, more, [*LLAMA_70B.gguf_tensors(), head])
    assert shape.architecture.layers == 80
    assert head.name not in {tensor.name for tensor in shape.tensors}
    assert shape.weight_bytes == sum(tensor.bytes for tensor in shape.tensors)
    assert shape.notes == ("left out: 8 MiB of a multi-token-prediction head, which is not loaded",)


def test_deepseek4_counts_a_prediction_head_only_where_it_is(tmp_path: Path) -> None:
    more: dict[str, object] = {"nextn_predict_layers": 1}
    assert shape_of(tmp_path, DEEPSEEK_V4_FLASH, more).architecture.layers == 43
    probe = Tensor("blk.42.nextn.eh_proj.weight", (32,))
    tensors = [*DEEPSEEK_V4_FLASH.gguf_tensors(), probe]
    assert shape_of(tmp_path, DEEPSEEK_V4_FLASH, more, tensors).architecture.layers == 42


def test_the_405b_with_doubled_kv_heads_is_noted(tmp_path: Path) -> None:
    for kv, noted in ((8, False), (16, True)):
        keys = keys_of(126, 16384, 131072, 128, kv) | {"feed_forward_length": 53248}
        named = {"general.architecture": "llama"} | {f"llama.{key}": value for key, value in keys.items()}
        tensors = [
            Tensor("token_embd.weight", (16384, 128256), "q4_k"),
            Tensor("output.weight", (16384, 128256), "q6_k"),
        ]
        shape = shape_of_gguf(read_gguf(write_gguf(tmp_path / "m.gguf", named, tensors)))
        assert shape.architecture.kv_heads == kv
        assert any("405B" in note for note in shape.notes) == noted


def test_layers_that_differ_are_counted_as_the_largest(tmp_path: Path) -> None:
    keys, tensors = plain("llama", **{"attention.head_count_kv": [2, 4], "feed_forward_length": [128, 256]})
    shape = shape_of_gguf(read_gguf(write_gguf(tmp_path / "m.gguf", keys, tensors)))
    assert (shape.architecture.kv_heads, shape.architecture.feed_forward) == (4, 256)
    assert shape.notes == (
        "its layers differ in attention.head_count_kv, feed_forward_length: every layer is counted as the largest",
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"block_count": None}, "block_count is missing"),
        ({"block_count": 0}, "block_count is 0, which is no whole number from 1 to 512"),
        ({"block_count": 513}, "block_count is 513"),
        ({"block_count": "80"}, "block_count is str"),
        ({"block_count": True}, "block_count is True"),
        ({"context_length": None}, "context_length is missing"),
        ({"embedding_length": 4096}, "token_embd.weight has rows of 8192, embedding_length is 4096"),
        ({"attention.head_count": None, "attention.head_count_kv": None}, "attention.head_count is missing"),
        ({"attention.head_count": 0}, "attention.head_count is 0"),
        ({"attention.head_count_kv": 128}, "attention.head_count_kv is 128, more than the 64 heads"),
        ({"attention.head_count_kv": 16}, "blk.0.attn_k.weight is 1024 wide, the keys say 2048"),
        ({"attention.value_length": 64}, "blk.0.attn_v.weight is 1024 wide, the keys say 512"),
        ({"feed_forward_length": None}, "feed_forward_length is missing"),
        ({"nextn_predict_layers": 80}, "nextn_predict_layers is 80, which is no whole number from 0 to 79"),
        ({"expert_count": 2000}, "expert_count is 2000"),
        ({"expert_count": 8}, "expert_used_count is missing"),
        ({"expert_count": 8, "expert_used_count": 9}, "expert_used_count is 9, more than the 8 experts"),
    ],
)
def test_keys_without_sense_are_refused(tmp_path: Path, changes: dict[str, object], complaint: str) -> None:
    with refused(complaint):
        shape_of(tmp_path, LLAMA_70B, changes)


def test_keys_and_tensors_must_agree(tmp_path: Path) -> None:
    table = LLAMA_70B.gguf_tensors()[0]
    for tensors, complaint in (
        ([Tensor("blk.0.ffn_up.weight", (32,))], "token_embd.weight is missing"),
        ([table, Tensor("blk.80.ffn_up.weight", (32,))], "the tensor blk.80.ffn_up.weight belongs to no layer"),
    ):
        with refused(complaint):
            shape_of(tmp_path, LLAMA_70B, tensors=tensors)
    keys, tensors = plain("llama")
    with refused("token_embd.weight has 100 rows for 3 tokens"):
        shape_of_gguf(read_gguf(write_gguf(tmp_path / "m.gguf", keys | {"tokenizer.ggml.tokens": ["a"] * 3}, tensors)))


def test_a_tensors_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    tensors = [*LLAMA_70B.gguf_tensors(), Tensor("\x1b[2J\n.attn_k.weight", (8192, 8))]
    with refused("\\x1b[2J\\n.attn_k.weight is 8 wide, the keys say 1024"):
        shape_of(tmp_path, LLAMA_70B, tensors=tensors)


def test_other_kinds_of_gguf_are_named(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    with refused("the file names no architecture"):
        shape_of_gguf(read_gguf(write_gguf(path, {}, [Tensor("a", (4,))])))
    with refused("the file is a vision projector (mmproj), not a language model"):
        shape_of_gguf(read_gguf(write_gguf(path, {"general.architecture": "clip"}, [Tensor("a", (4,))])))
    with refused("the file holds no tensors"):
        shape_of_gguf(read_gguf(write_gguf(path, LLAMA_70B.gguf_keys())))
