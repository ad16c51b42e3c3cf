"""From a GGUF header to the model's shape; sizes of tensors are the header's own, so weights are exact."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from provision.errors import UsageError
from provision.headers.facts import Facts
from provision.headers.families import KNOWN, Traits, build_architecture, count_layers
from provision.headers.ggml_types import FILE_TYPES
from provision.headers.gguf import GgufHeader
from provision.headers.shape import ModelShape
from provision.headers.source import shown
from provision.models.architecture import Architecture
from provision.models.tensors import TensorInfo

_BLOCK = re.compile(r"blk\.(\d{1,9})\.")
_MIB = 1 << 20


def shape_of_gguf(header: GgufHeader) -> ModelShape:
    """Raises UsageError for a file without a language model in it, or whose keys and tensors contradict each other."""
    facts = _read_facts(header)
    by_name = {tensor.name: tensor for tensor in header.tensors}
    if not by_name:
        raise facts.error("the file holds no tensors: it is a vocabulary or one part of a model")
    if facts.family == "deepseek4":
        facts = _drop_missing_prediction(facts, by_name)
    notes: list[str] = []
    architecture = build_architecture(facts, _read_traits(header, facts, by_name), notes)
    _check_widths(facts, architecture, by_name)
    tensors = _leave_out_prediction(header.tensors, architecture.layers, notes)
    name = header.metadata.get("general.name")
    return ModelShape(
        name=shown(name) if isinstance(name, str) and name.strip() else shown(Path(header.path).stem),
        architecture=architecture,
        weight_bytes=sum(tensor.bytes for tensor in tensors),
        weight_type=_name_type(header, tensors),
        tensors=tensors,
        notes=tuple(notes),
    )


def _read_facts(header: GgufHeader) -> Facts:
    family, where = header.metadata.get("general.architecture"), shown(header.path)
    if not isinstance(family, str) or not family:
        raise UsageError("the file names no architecture", where=where, hint="it is not a model for llama.cpp")
    if family == "clip":
        raise UsageError(
            "the file is a vision projector (mmproj), not a language model",
            where=where,
            hint="name the model's own file",
        )
    prefix = f"{family}."
    values = {key.removeprefix(prefix): value for key, value in header.metadata.items() if key.startswith(prefix)}
    return Facts(family=family, values=values, where=where)


def _drop_missing_prediction(facts: Facts, tensors: dict[str, TensorInfo]) -> Facts:
    """As `src/models/deepseek4.cpp`: the prediction head counts only where its tensors are there."""
    if f"blk.{count_layers(facts)}.nextn.eh_proj.weight" in tensors:
        return facts
    values = {key: value for key, value in facts.values.items() if key != "nextn_predict_layers"}
    return facts.model_copy(update={"values": values})


def _read_traits(header: GgufHeader, facts: Facts, tensors: dict[str, TensorInfo]) -> Traits:
    table = tensors.get("token_embd.weight")
    if table is None or len(table.shape) != 2:
        raise facts.error("token_embd.weight is missing: the file is one part of a model or no language model")
    embedding = facts.number("embedding_length", least=1)
    if table.shape[0] != embedding:
        raise facts.error(f"token_embd.weight has rows of {table.shape[0]}, embedding_length is {embedding}")
    tokens = header.array_lengths.get("tokenizer.ggml.tokens", table.shape[1])
    if tokens != table.shape[1]:
        raise facts.error(f"token_embd.weight has {table.shape[1]} rows for {tokens} tokens")
    return Traits(
        vocabulary=table.shape[1],
        tied_embeddings="output.weight" not in tensors,
        qkv_bias=any(name.endswith((".attn_q.bias", ".attn_qkv.bias")) for name in tensors),
        qk_norm=any(name.endswith(".attn_q_norm.weight") for name in tensors),
    )


def _check_widths(facts: Facts, architecture: Architecture, tensors: dict[str, TensorInfo]) -> None:
    """The engine refuses a file whose keys and tensors differ, and a plan from such keys would be wrong."""
    blocks = facts.number("block_count")
    for name in tensors:
        match = _BLOCK.match(name)
        if match and int(match[1]) >= blocks:
            raise facts.error(f"the tensor {shown(name)} belongs to no layer: block_count is {blocks}")
    if facts.family not in KNOWN or facts.varies("attention.head_count_kv") or architecture.latent:
        return
    for name, width in (("attn_k", architecture.key_dim), ("attn_v", architecture.value_dim)):
        wanted = architecture.kv_heads * width
        for tensor in tensors.values():
            if tensor.name.endswith(f".{name}.weight") and len(tensor.shape) == 2 and tensor.shape[1] != wanted:
                raise facts.error(f"{tensor.name} is {tensor.shape[1]} wide, the keys say {wanted}")


def _leave_out_prediction(tensors: tuple[TensorInfo, ...], layers: int, notes: list[str]) -> tuple[TensorInfo, ...]:
    """llama.cpp skips a multi-token-prediction head unless asked (`load_mtp` of `llama_model_default_params`)."""
    loaded = tuple(tensor for tensor in tensors if not (match := _BLOCK.match(tensor.name)) or int(match[1]) < layers)
    left_out = sum(tensor.bytes for tensor in tensors) - sum(tensor.bytes for tensor in loaded)
    if left_out:
        notes.append(f"left out: {left_out / _MIB:.0f} MiB of a multi-token-prediction head, which is not loaded")
    return loaded


def _name_type(header: GgufHeader, tensors: tuple[TensorInfo, ...]) -> str:
    """The mix's name (q4_k_m), or the type of most bytes where the file does not say."""
    number = header.metadata.get("general.file_type")
    if isinstance(number, int) and number in FILE_TYPES:
        return FILE_TYPES[number]
    by_type: Counter[str] = Counter()
    for tensor in tensors:
        by_type[tensor.type] += tensor.bytes
    return by_type.most_common(1)[0][0] if by_type else "unknown"
