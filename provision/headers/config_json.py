"""A model in Hugging Face's form: `config.json`, and its weights' sizes from the index or the safetensors headers."""

from __future__ import annotations

from pathlib import Path

from provision.headers.config_facts import read_values
from provision.headers.config_values import Config
from provision.headers.config_weights import ConfigWeights, read_weights
from provision.headers.facts import Facts
from provision.headers.families import Traits, build_architecture
from provision.headers.json_file import load_json
from provision.headers.shape import ModelShape
from provision.headers.source import kind_of, shown

FAMILIES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "llama",
    "MixtralForCausalLM": "llama",
    "Mistral3ForConditionalGeneration": "mistral3",
    "Ministral3ForCausalLM": "mistral3",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "Qwen3MoeForCausalLM": "qwen3moe",
    "Qwen3NextForCausalLM": "qwen3next",
    "GptOssForCausalLM": "gpt-oss",
    "Llama4ForCausalLM": "llama4",
    "Llama4ForConditionalGeneration": "llama4",
    "DeepseekV2ForCausalLM": "deepseek2",
    "DeepseekV3ForCausalLM": "deepseek2",
    "DeepseekV4ForCausalLM": "deepseek4",
    "Mamba2ForCausalLM": "mamba2",
    "GemmaForCausalLM": "gemma",
    "Gemma2ForCausalLM": "gemma2",
    "Gemma3ForCausalLM": "gemma3",
    "Gemma3ForConditionalGeneration": "gemma3",
    "Phi3ForCausalLM": "phi3",
    "CohereForCausalLM": "command-r",
    "BertModel": "bert",
    "BertForMaskedLM": "bert",
    "BertForSequenceClassification": "bert",
    "RobertaModel": "bert",
    "XLMRobertaModel": "bert",
    "XLMRobertaForSequenceClassification": "bert",
    "NomicBertModel": "nomic-bert",
}
"""The model's class, and llama.cpp's name for its family (`@ModelBase.register` in `conversion/*.py`)."""

_TIED_UNLESS_SAID = ("gemma", "gemma2", "gemma3", "command-r", "bert", "nomic-bert")
"""Families whose configuration leaves `tie_word_embeddings` out where the table is shared; encoders have no head."""
_QK_NORM = ("qwen3", "qwen3moe", "qwen3next", "gemma3")
_GEMMA3_VOCABULARY = 262_208
"""Gemma3TextConfig's default in transformers; the published multimodal configurations leave it out."""


def read_config(path: Path) -> ModelShape:
    """The model whose `config.json`, or whose folder, `path` is. Weights' files lie beside it, or are not needed.

    Raises UsageError where a file is missing, damaged or hostile, or the shape cannot be told from it.
    """
    place = path / "config.json" if kind_of(path) == "folder" else path
    config = Config(load_json(place), shown(str(place)))
    notes: list[str] = []
    family = FAMILIES.get(config.kind, config.kind)
    facts = Facts(family=family, values=read_values(family, config), where=config.where, windows_count=True)
    architecture = build_architecture(facts, _read_traits(family, config), notes)
    weights = read_weights(place.parent, architecture, notes)
    return ModelShape(
        name=shown(place.parent.resolve().name or place.stem),
        architecture=architecture,
        weight_bytes=weights.bytes if weights else None,
        weight_type=_weight_type(config, weights),
        notes=(*notes, *_vision_note(config)),
    )


def _read_traits(family: str, config: Config) -> Traits:
    vocabulary = config.number("vocab_size") or (_GEMMA3_VOCABULARY if family == "gemma3" else 0)
    if not vocabulary:
        raise config.error("vocab_size is missing")
    if family == "mamba2":
        multiple = config.number("pad_vocab_size_multiple") or 16  # conversion/mamba.py
        vocabulary = -(-vocabulary // multiple) * multiple
    return Traits(
        vocabulary=vocabulary,
        tied_embeddings=config.flag("tie_word_embeddings", default=family in _TIED_UNLESS_SAID),
        qkv_bias=family in ("qwen2", "bert")
        or config.flag("attention_bias", default=family == "gpt-oss")
        or config.flag("qkv_proj_bias", default=False),
        qk_norm=family in _QK_NORM or (family == "command-r" and config.flag("use_qk_norm", default=False)),
    )


def _weight_type(config: Config, weights: ConfigWeights | None) -> str:
    """The quantisation's method where there is one, else the type of most of the weights."""
    method = config.section("quantization_config").get("quant_method")
    if isinstance(method, str) and method:
        return shown(method)
    if weights and weights.type:
        return weights.type
    said = config.text("torch_dtype", "dtype") or "unknown"
    return {"bfloat16": "bf16", "float16": "f16", "float32": "f32"}.get(said, shown(said))


def _vision_note(config: Config) -> list[str]:
    return ["the weights include its vision tower"] if config.section("vision_config") else []
