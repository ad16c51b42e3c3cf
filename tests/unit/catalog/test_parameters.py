"""The hyper-parameters of a model give, tensor by tensor, the parameters that its maker states.

A wrong width, count of experts or head would show here before it shows as a wrong memory plan.
"""

from __future__ import annotations

import pytest

from provision.catalog import load_catalog
from provision.models.architecture import Architecture, LatentAttention, StateSpace

MODELS = load_catalog().models
COUNTED = {
    name: model
    for name, model in MODELS.items()
    if model.architecture is not None and model.architecture.family not in {"nomic-bert", "bert"}
}
ROUNDED_BY_MAKER = {"deepseek-v4-pro": 0.02}
"""1.6T stands for 1.57T."""


def count_parameters(shape: Architecture) -> int:
    """All weights but the few of norms within attention. Shapes: llama.cpp src/models/*.cpp."""
    tables = shape.vocabulary * shape.embedding * (1 if shape.tied_embeddings else 2)
    layers = sum(count_mixer(shape, layer) + count_feed_forward(shape, layer) for layer in range(shape.layers))
    return tables + layers + shape.embedding


def count_mixer(shape: Architecture, layer: int) -> int:
    if shape.compressed:
        return count_compressed(shape, layer)
    if shape.latent:
        return count_latent(shape, shape.latent)
    full = shape.full_attention_every is None or (layer + 1) % shape.full_attention_every == 0
    if shape.state_space and (shape.heads == 0 or not full):
        return count_recurrent(shape, shape.state_space)
    queries, keys, values = (
        shape.heads * shape.key_dim,
        shape.kv_heads * shape.key_dim,
        shape.kv_heads * shape.value_dim,
    )
    gate = queries if shape.family == "qwen3next" else 0
    bias = queries + keys + values if shape.qkv_bias else 0
    output = shape.heads * shape.value_dim * shape.embedding
    return shape.embedding * (queries + gate + keys + values) + output + bias + shape.embedding


def count_latent(shape: Architecture, latent: LatentAttention) -> int:
    """Queries through a narrow rank where there is one; keys and values out of one latent row."""
    queries = shape.heads * (latent.nope_dim + latent.rope_dim)
    asked = shape.embedding * queries
    if latent.q_rank:
        asked = shape.embedding * latent.q_rank + latent.q_rank * queries
    kept = shape.embedding * (latent.kv_rank + latent.rope_dim)
    unpacked = latent.kv_rank * shape.heads * (latent.nope_dim + latent.value_dim)
    return asked + kept + unpacked + shape.heads * latent.value_dim * shape.embedding + shape.embedding


def count_recurrent(shape: Architecture, state: StateSpace) -> int:
    """Mamba-2, or a gated delta net where the model has attention too: projections, convolution, output."""
    grouped = 2 * state.groups * state.state
    per_head = state.heads * (2 if shape.heads else 1)
    projected = shape.embedding * (2 * state.inner + grouped + per_head)
    convolution = state.conv_kernel * (state.inner + grouped)
    return projected + convolution + state.inner * shape.embedding + shape.embedding


def count_compressed(shape: Architecture, layer: int) -> int:
    """DeepSeek V4: ranked queries, one key head, grouped output, compressors, and the indexer of ratio 4.

    Where the ratios stand is not counted layer by layer: the first `ratio4_layers` carry the indexer, the next
    `ratio128_layers` the plain compressor, the sum over all layers is the same.
    """
    form = shape.compressed
    assert form is not None
    width = shape.heads * shape.key_dim
    attention = shape.embedding * (form.q_rank + shape.key_dim) + form.q_rank * width
    attention += width // form.o_groups * form.o_rank * form.o_groups + form.o_groups * form.o_rank * shape.embedding
    if layer < form.ratio4_layers:
        indexer = form.q_rank * form.index_heads * form.index_dim + shape.embedding * (
            form.index_heads + 4 * form.index_dim
        )
        return attention + shape.embedding * 4 * shape.key_dim + indexer
    if layer < form.ratio4_layers + form.ratio128_layers:
        return attention + shape.embedding * 2 * shape.key_dim
    return attention


def count_feed_forward(shape: Architecture, layer: int) -> int:
    experts = shape.experts
    if experts is None or layer < experts.leading_dense or (layer + 1) % experts.every:
        return 3 * shape.embedding * shape.feed_forward
    routed = experts.count * experts.feed_forward
    return shape.embedding * (3 * (routed + experts.shared_feed_forward) + experts.count)


@pytest.mark.parametrize("name", COUNTED)
def test_hyper_parameters_give_the_stated_parameters(name: str) -> None:
    shape = MODELS[name].architecture
    assert shape is not None
    stated = MODELS[name].parameters_b * 1e9
    assert count_parameters(shape) == pytest.approx(stated, rel=ROUNDED_BY_MAKER.get(name, 0.01))


def test_a_wrong_configuration_would_show() -> None:
    """Early conversions of Llama 3.1 405B have 16 key-value heads: 410.1B parameters."""
    shape = MODELS["llama3.1-405b"].architecture
    assert shape is not None
    wrong = count_parameters(shape.model_copy(update={"kv_heads": 16}))
    assert wrong / 1e9 == pytest.approx(410.1, abs=0.1)
    assert wrong != pytest.approx(405.8534e9, rel=0.01)
