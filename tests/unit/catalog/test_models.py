"""Every model says where its facts come from, and its hyper-parameters give the parameters that its maker states."""

from __future__ import annotations

import pytest

from provision.catalog import load_catalog
from provision.models.architecture import Architecture
from provision.models.catalog import Catalog, ModelEntry, Quant

CATALOG: Catalog = load_catalog()
MODELS = CATALOG.models
FREE = {"Apache-2.0", "MIT"}


def shape_of(model: ModelEntry) -> Architecture:
    return model.architecture


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_each_fact_has_a_source(model: ModelEntry) -> None:
    expected = {"parameters_b", "engines", "licence"}
    expected |= {"ollama_tag"} if model.ollama_tag else set()
    expected |= {"workload"} if model.workload else set()
    expected |= {"vision_mib"} if shape_of(model).vision_mib else set()
    assert set(model.sources) == expected
    texts = [model.source, *model.sources.values()]
    texts += [quant.source for quant in model.quants + model.checkpoints]
    texts += [finding.source for finding in model.findings]
    assert all(len(text) > 10 for text in texts)
    assert model.name_check
    assert model.hf_repo.count("/") == 1


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_an_engine_that_serves_it_is_named_with_its_evidence(model: ModelEntry) -> None:
    assert model.engines
    assert f"'{shape_of(model).family}'" in model.sources["engines"]
    assert "vLLM" in model.sources["engines"]
    assert ("ollama" in model.engines) is (model.ollama_tag is not None)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_files_have_the_bits_of_their_format(model: ModelEntry) -> None:
    """Small models carry a large table and llama.cpp stores awkward rows in more bits, so bounds are wide."""
    bounds = {"q4_k_m": (4.5, 8), "q8_0": (8, 9), "bf16": (15.9, 16.3), "f16": (15.9, 16.3), "mxfp4": (4.2, 5.4)}
    bounds |= {"fp8": (8, 9.3), "awq_int4": (4, 6), "fp4_fp8": (4, 5)}
    files: tuple[Quant, ...] = model.quants + model.checkpoints
    for quant in files:
        assert quant.file_bytes is not None
        assert 0 <= quant.file_mib * 2**20 - quant.file_bytes < 2**20
        low, high = bounds[quant.name]
        assert low <= quant.file_bytes * 8 / (model.parameters_b * 1e9) < high, quant.name
    assert model.active_parameters_b <= model.parameters_b


def test_a_file_of_unknown_size_is_left_out_rather_than_guessed() -> None:
    assert [name for name, model in MODELS.items() if not model.quants + model.checkpoints] == ["deepseek-v4-pro"]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_licence_that_is_not_free_has_findings(model: ModelEntry) -> None:
    if model.licence not in FREE:
        assert model.findings


@pytest.mark.parametrize(
    ("name", "severity", "words"),
    [
        ("llama4-scout-17b-16e", "warning", "European Union"),
        ("mistral-large-2407", "warning", "non-commercial"),
        ("llama3.3-70b", "note", "700 million"),
        ("llama3.3-70b", "note", "may be used in the EU"),
        ("llama4-scout-17b-16e", "note", "700 million"),
        ("qwen2.5-72b", "note", "100 million"),
        ("gpt-oss-120b", "note", "usage policy"),
        ("deepseek-coder-v2-236b", "note", "forbidden"),
        ("gemma-3-270m", "note", "prohibited-use"),
    ],
)
def test_what_a_licence_asks_for(name: str, severity: str, words: str) -> None:
    assert any(finding.severity == severity and words in finding.what for finding in MODELS[name].findings)


def test_only_two_licences_may_forbid_the_use() -> None:
    graves = {name for name, model in MODELS.items() if any(f.severity == "warning" for f in model.findings)}
    assert graves == {"llama4-scout-17b-16e", "mistral-large-2407"}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_shape_is_whole(model: ModelEntry) -> None:
    shape = shape_of(model)
    assert (shape.heads == 0) == (shape.family == "mamba2")
    if shape.heads:
        assert shape.heads % shape.kv_heads == 0
        assert shape.key_dim >= shape.value_dim > 0
        assert shape.feed_forward or shape.experts
    if shape.latent:
        assert (shape.kv_heads, shape.value_dim) == (1, shape.latent.kv_rank)
        assert shape.key_dim == shape.latent.kv_rank + shape.latent.rope_dim
    if shape.window and not shape.compressed:
        assert shape.full_attention_every
    if shape.state_space:
        assert shape.state_space.inner % shape.state_space.heads == 0


def test_known_caches() -> None:
    """Bytes per token in f16: 320 KiB for Llama 3.3 70B, 68.6 KiB for DeepSeek R1, which keeps one latent row."""
    llama, deepseek = shape_of(MODELS["llama3.3-70b"]), shape_of(MODELS["deepseek-r1"])
    assert llama.layers * llama.kv_heads * (llama.key_dim + llama.value_dim) * 2 == 320 * 1024
    assert deepseek.layers * deepseek.key_dim * 2 == 70272


def test_vision_projector_of_mistral_small() -> None:
    assert shape_of(MODELS["mistral-small-3.2-24b"]).vision_mib == 847
