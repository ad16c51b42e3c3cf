"""The tiny model that vLLM serves in the lab: a Qwen2 with random weights and a byte-level tokenizer, made here.

No hub can be reached from a lab, and package indexes have no safetensors of a real model that is small enough. Its
answers are noise; what they show is that the engine loads, batches, counts and streams. The same bytes every time: the
weights come from a seed, so every file is known by its sha256.
"""

from __future__ import annotations

import json
import random
import struct
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

from provision.places import find_cache

HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD, INNER = 128, 2, 4, 2, 32, 256
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
VOCABULARY = 320
"""256 bytes, the special tokens, and rows to a multiple of 64, as vLLM pads tables anyway."""
CONTEXT_TOKENS = 8192
"""A token is a byte here: as much text as the other small model's 2048 tokens hold."""
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def ensure_tiny_checkpoint() -> dict[str, Path]:
    """File names of the checkpoint's folder, and each one's place in the cache, where it is named by its sha256."""
    downloads = find_cache() / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    places = {}
    for name, content in make_checkpoint().items():
        wanted = downloads / sha256(content).hexdigest()
        if not wanted.exists():
            fresh = wanted.with_name(f".{wanted.name}.new")
            fresh.write_bytes(content)
            fresh.rename(wanted)
        places[name] = wanted
    return places


def make_checkpoint() -> dict[str, bytes]:
    """The files of a Hugging Face model folder, by name."""
    return {
        "config.json": _json(_config()),
        "generation_config.json": _json({"eos_token_id": _token(2), "pad_token_id": _token(0)}),
        "model.safetensors": _safetensors(_shapes()),
        "tokenizer.json": _json(_tokenizer()),
        "tokenizer_config.json": _json(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "eos_token": SPECIAL[2],
                "pad_token": SPECIAL[0],
                "model_max_length": CONTEXT_TOKENS,
                "clean_up_tokenization_spaces": False,
                "chat_template": CHAT,
            }
        ),
    }


def _token(special: int) -> int:
    return 256 + special


def _config() -> dict[str, Any]:
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "intermediate_size": INNER,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": CONTEXT_TOKENS,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "bos_token_id": _token(0),
        "eos_token_id": _token(2),
    }


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN)}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        for name, rows in (("q", HEADS * HEAD), ("k", KV_HEADS * HEAD), ("v", KV_HEADS * HEAD)):
            shapes[f"{at}.self_attn.{name}_proj.weight"] = (rows, HIDDEN)
            shapes[f"{at}.self_attn.{name}_proj.bias"] = (rows,)
        shapes[f"{at}.self_attn.o_proj.weight"] = (HIDDEN, HEADS * HEAD)
        shapes[f"{at}.mlp.gate_proj.weight"] = (INNER, HIDDEN)
        shapes[f"{at}.mlp.up_proj.weight"] = (INNER, HIDDEN)
        shapes[f"{at}.mlp.down_proj.weight"] = (HIDDEN, INNER)
        shapes[f"{at}.input_layernorm.weight"] = (HIDDEN,)
        shapes[f"{at}.post_attention_layernorm.weight"] = (HIDDEN,)
    return {**shapes, "model.norm.weight": (HIDDEN,)}


def _safetensors(shapes: dict[str, tuple[int, ...]]) -> bytes:
    """Format: 8 bytes of length, a JSON header, the tensors. bf16 is the upper half of a float32."""
    source = random.Random(20261125)  # noqa: S311 - weights, no secret
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = bytearray()
    for name, shape in shapes.items():
        start = len(data)
        norm = name.endswith("norm.weight")
        for _ in range(prod(shape)):
            data += struct.pack("<f", 1.0 if norm else source.uniform(-0.1, 0.1))[2:]
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(data)


def _tokenizer() -> dict[str, Any]:
    added = [
        {"id": _token(i), "content": text, "special": True, "normalized": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        for i, text in enumerate(SPECIAL)
    ]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {letter: token for token, letter in enumerate(_byte_letters())},
            "merges": [],
        },
    }


def _byte_letters() -> list[str]:
    """GPT-2's letter for every byte: printable ones are themselves, the others take the letters from 256 on."""
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=True) + "\n").encode()
