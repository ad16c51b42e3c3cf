"""Folders in Hugging Face's form: what the configuration says, what the weights have, and where they differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.headers import ModelShape, read_config
from provision.models.architecture import Window
from tests.unit.headers.families import (
    DEEPSEEK_R1,
    GPT_OSS_20B,
    LLAMA4_SCOUT,
    LLAMA_70B,
    QWEN3_32B,
    QWEN25_72B,
    Case,
    config_of,
    heads_of,
)
from tests.unit.headers.refusals import refused
from tests.unit.headers.safetensors_writer import Tensors, write_config, write_index, write_safetensors

FIRST: Tensors = {
    "model.embed_tokens.weight": ("BF16", (128256, 8192)),
    "model.layers.0.self_attn.k_proj.weight": ("BF16", (1024, 8192)),
}
SECOND: Tensors = {"model.layers.1.mlp.up_proj.weight": ("F8_E4M3", (28672, 8192)), "lm_head.weight": ("F32", (9,))}
BYTES = (128256 + 1024) * 8192 * 2 + 28672 * 8192 + 36
FILES = {"model-00001-of-00002.safetensors": FIRST, "model-00002-of-00002.safetensors": SECOND}


def shape_of(folder: Path, case: Case, **changes: object) -> ModelShape:
    config = {key: value for key, value in (dict(case.config) | changes).items() if value is not None}
    return read_config(write_config(folder, config))


def test_head_dim_is_the_configurations_own(tmp_path: Path) -> None:
    assert shape_of(tmp_path, QWEN3_32B).architecture.key_dim == 128
    assert shape_of(tmp_path, QWEN3_32B, head_dim=None).architecture.key_dim == 5120 // 64


def test_files_give_the_weights(tmp_path: Path) -> None:
    for name, tensors in FILES.items():
        write_safetensors(tmp_path / name, tensors)
    write_index(tmp_path, FILES, total=1)
    shape = shape_of(tmp_path, LLAMA_70B)
    assert (shape.weight_bytes, shape.weight_type, shape.notes) == (BYTES, "bf16", ())
    assert shape.name == tmp_path.name


def test_a_single_file_needs_no_index(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "model.safetensors", {**FIRST, **SECOND})
    assert shape_of(tmp_path, LLAMA_70B).weight_bytes == BYTES


@pytest.mark.parametrize("total", [141_107_412_992, 141_107_412_992.0])
def test_the_index_alone_gives_the_weights(tmp_path: Path, total: object) -> None:
    write_safetensors(tmp_path / "model-00001-of-00002.safetensors", FIRST)
    write_index(tmp_path, FILES, total)
    shape = shape_of(tmp_path, LLAMA_70B, torch_dtype="bfloat16")
    assert (shape.weight_bytes, shape.weight_type) == (141_107_412_992, "bf16")
    assert shape.notes == ("the weights' size is the index's: not every file that it names is there",)


def test_without_weights_their_size_is_not_known(tmp_path: Path) -> None:
    shape = shape_of(tmp_path, LLAMA_70B)
    assert (shape.weight_bytes, shape.weight_type) == (None, "unknown")
    assert shape.notes == ("no safetensors files or index beside the configuration: the weights' size is not known",)
    assert shape_of(tmp_path, GPT_OSS_20B, torch_dtype="bfloat16").weight_type == "mxfp4"


@pytest.mark.parametrize("total", [None, 0, -1, 1.5, "1", True, 2**63, 1e300])
def test_an_index_without_a_total_is_refused(tmp_path: Path, total: object) -> None:
    write_index(tmp_path, FILES, total)
    with refused("has no valid metadata.total_size"):
        shape_of(tmp_path, LLAMA_70B)


@pytest.mark.parametrize(
    "name", ["../m.safetensors", "/m.safetensors", "m.bin", "", ".m.safetensors", "m\n.safetensors"]
)
def test_an_index_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    write_index(tmp_path, {name: FIRST}, total=1)
    with refused("names files that are not weights beside it"):
        shape_of(tmp_path, LLAMA_70B)


def test_an_index_without_a_map_is_refused(tmp_path: Path) -> None:
    for index in ("{}", '{"weight_map": []}', '{"weight_map": {}}'):
        (tmp_path / "model.safetensors.index.json").write_text(index)
        with refused("has no weight_map"):
            shape_of(tmp_path, LLAMA_70B)
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": 1}}')
    with refused("names files that are not weights beside it"):
        shape_of(tmp_path, LLAMA_70B)


def test_kv_heads_that_the_weights_do_not_have_are_refused(tmp_path: Path) -> None:
    """Llama 3.1 405B was re-uploaded with 16 KV heads in the configuration."""
    config = config_of("LlamaForCausalLM", 126, 16384, 128256, 131072) | {"intermediate_size": 53248}
    weights: Tensors = {"model.layers.0.self_attn.k_proj.weight": ("BF16", (1024, 16384))}
    write_safetensors(tmp_path / "model.safetensors", weights)
    assert read_config(write_config(tmp_path, config | heads_of(128, 8))).notes == ()
    with refused("model.layers.0.self_attn.k_proj.weight is 1024 wide; config.json says 16 KV heads of 128"):
        read_config(write_config(tmp_path, config | heads_of(128, 16)))
    (tmp_path / "model.safetensors").unlink()
    assert "early conversion of Llama 3.1 405B" in read_config(tmp_path).notes[0]


def test_a_prediction_head_is_left_out(tmp_path: Path) -> None:
    kept: Tensors = {"model.layers.60.mlp.gate.weight": ("F8_E4M3", (512, 2048))}
    head: Tensors = {"model.layers.61.mlp.gate.weight": ("F8_E4M3", (512, 2048)), "mtp.fc.weight": ("F8_E4M3", (1024,))}
    write_safetensors(tmp_path / "model.safetensors", {**kept, **head})
    shape = shape_of(tmp_path, DEEPSEEK_R1)
    assert shape.weight_bytes == 512 * 2048
    assert shape.notes == ("left out: 1 MiB of a multi-token-prediction head",)


def test_a_vision_tower_counts_and_is_said(tmp_path: Path) -> None:
    tower: Tensors = {
        "vision_model.model.layers.99.fc1.weight": ("BF16", (8, 8)),
        "vision_model.model.layers.0.self_attn.k_proj.weight": ("BF16", (8, 8)),
    }
    write_safetensors(tmp_path / "model.safetensors", tower)
    shape = shape_of(tmp_path, LLAMA4_SCOUT)
    assert shape.weight_bytes == 256
    assert shape.notes == ("the weights include its vision tower",)


def test_windows_count_where_they_are_on(tmp_path: Path) -> None:
    mistral = config_of("MistralForCausalLM", 32, 4096, 32000, 32768) | heads_of(32, 8) | {"intermediate_size": 14336}
    found = read_config(write_config(tmp_path, mistral | {"sliding_window": 4096})).architecture
    assert (found.family, found.window, found.full_attention_every) == (
        "llama",
        Window(tokens=4096, kind="sliding"),
        None,
    )
    qwen = {"use_sliding_window": True, "sliding_window": 4096}
    assert shape_of(tmp_path, QWEN25_72B, **qwen, max_window_layers=80).architecture.window is None
    mixed = shape_of(tmp_path, QWEN25_72B, **qwen, max_window_layers=20)
    assert mixed.architecture.full_attention_every == 4
    assert "in no regular order: counted as one in 4" in mixed.notes[0]
    types = ["full_attention"] * 48
    scout = {**LLAMA4_SCOUT.config, "text_config": {**LLAMA4_SCOUT.config["text_config"], "layer_types": types}}  # type: ignore[dict-item]
    assert read_config(write_config(tmp_path, scout)).architecture.window is None


def test_gemma3_leaves_its_classes_defaults_out(tmp_path: Path) -> None:
    text = {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34, "sliding_window": 1024}
    config = {"architectures": ["Gemma3ForConditionalGeneration"], "text_config": text, "vision_config": {"a": 1}}
    found = read_config(write_config(tmp_path, config)).architecture
    assert (found.heads, found.kv_heads, found.key_dim, found.vocabulary) == (8, 4, 256, 262208)
    assert (found.tied_embeddings, found.full_attention_every, found.max_context) == (True, 6, 131072)


def test_an_unknown_class_is_taken_as_ordinary_attention(tmp_path: Path) -> None:
    shape = shape_of(tmp_path, LLAMA_70B, architectures=["NewForCausalLM"], sliding_window=512)
    assert shape.architecture == LLAMA_70B.expected.model_copy(update={"family": "NewForCausalLM"})
    assert "unknown architecture 'NewForCausalLM', treated as grouped-query attention" in shape.notes[0]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"architectures": None}, "the configuration names no architecture"),
        ({"architectures": []}, "the configuration names no architecture"),
        ({"architectures": [1]}, "the configuration names no architecture"),
        ({"num_hidden_layers": None}, "block_count is missing"),
        ({"num_hidden_layers": "80"}, "num_hidden_layers is '80', which is no whole number"),
        ({"num_hidden_layers": 2**63}, "num_hidden_layers is 9223372036854775808, which is no whole number"),
        ({"num_hidden_layers": 100_000}, "block_count is 100000"),
        ({"num_attention_heads": 0}, "attention.head_count is 0"),
        ({"hidden_size": -1}, "hidden_size is -1"),
        ({"hidden_size": 1.5}, "hidden_size is 1.5"),
        ({"head_dim": [1, "\n"]}, "head_dim is [1, '\\n']"),
        ({"vocab_size": None}, "vocab_size is missing"),
        ({"tie_word_embeddings": 3}, "tie_word_embeddings is 3, neither true nor false"),
        ({"layer_types": "full"}, "layer_types is no list"),
        ({"layer_types": ["a", 1]}, "layer_types is no list"),
        ({"sliding_window": 8, "layer_types": ["sliding_attention"]}, "has 1 elements for 80 layers"),
    ],
)
def test_values_without_sense_are_refused(tmp_path: Path, changes: dict[str, object], complaint: str) -> None:
    with refused(complaint):
        shape_of(tmp_path, LLAMA_70B, **changes)


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with refused("config.json cannot be read: No such file"):
        read_config(tmp_path)
    with refused("none cannot be read: No such file"):
        read_config(tmp_path / "none")
    with refused("cannot be read"):
        read_config(Path("x" * 5000))
