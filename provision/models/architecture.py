"""The shape of a language model: what decides its memory and speed, whoever described it.

The catalogue, a GGUF header and a Hugging Face `config.json` all give an `Architecture`. Fields follow the GGUF
metadata keys of llama.cpp. Widths in elements, contexts in tokens.
"""

from __future__ import annotations

from typing import Literal

from provision.models.base import Frozen


class Experts(Frozen):
    """Mixture of experts. `leading_dense` blocks at the start have an ordinary feed-forward layer instead."""

    count: int
    used: int
    feed_forward: int
    shared_feed_forward: int = 0
    """Width of all shared experts together, which every token passes."""
    leading_dense: int = 0
    every: int = 1
    """Every n-th block has experts (Llama 4's interleaving)."""


class Window(Frozen):
    """Layers that see only a part of the context: the last `tokens` (sliding), or the current chunk (chunked)."""

    tokens: int
    kind: Literal["sliding", "chunked"]


class LatentAttention(Frozen):
    """Multi-head latent attention (DeepSeek): one compressed row per token instead of keys and values per head."""

    kv_rank: int
    rope_dim: int
    nope_dim: int
    value_dim: int
    q_rank: int | None = None


class StateSpace(Frozen):
    """Recurrent layers (Mamba-2, gated delta net): a state per sequence, whatever the context."""

    conv_kernel: int
    inner: int
    state: int
    groups: int
    heads: int


class CompressedAttention(Frozen):
    """DeepSeek V4: every layer has a window; `ratio4_layers` and `ratio128_layers` keep compressed rows as well."""

    ratio4_layers: int
    ratio128_layers: int
    index_dim: int
    index_heads: int
    q_rank: int
    o_rank: int
    o_groups: int
    rope_dim: int


class Architecture(Frozen):
    family: str
    """llama.cpp's `general.architecture`: llama, qwen2, qwen3, qwen3moe, gpt-oss, deepseek2 ..."""
    layers: int
    embedding: int
    vocabulary: int
    max_context: int
    heads: int = 0
    kv_heads: int = 0
    key_dim: int = 0
    """Width of one head's key, the configuration's own: not always embedding / heads."""
    value_dim: int = 0
    feed_forward: int = 0
    """Width of a dense feed-forward layer; 0 where every block has experts."""
    tied_embeddings: bool = False
    qkv_bias: bool = False
    qk_norm: bool = False
    full_attention_every: int | None = None
    """Layer i sees the whole context where (i + 1) is a multiple of this; the others have `window` or `state_space`.
    None: all layers are alike."""
    experts: Experts | None = None
    window: Window | None = None
    latent: LatentAttention | None = None
    state_space: StateSpace | None = None
    compressed: CompressedAttention | None = None
    encoder: bool = False
    """No cache: the whole input is one batch (embedding models)."""
    vision_mib: int = 0
    """Size of the vision projector's file (mmproj), 0 where there is none."""


class Weights(Frozen):
    """Bytes of a model's tensors by where an engine puts them."""

    input_bytes: int
    """Token embeddings, norms of the input: llama.cpp keeps them in the host's memory."""
    layer_bytes: tuple[int, ...]
    output_bytes: int
    """Output norm and head; with tied embeddings the copy of the table that a card holds beside the host's."""
    active_bytes: int
    """What one token of one sequence reads: without the experts that it does not use and the embedding table."""

    @property
    def placed_bytes(self) -> int:
        """All of them, a tied table twice: once for the host, once for a card."""
        return self.input_bytes + sum(self.layer_bytes) + self.output_bytes


Engine = Literal["ollama", "llama.cpp", "vllm"]
KvFormat = Literal["f16", "q8_0", "q4_0", "fp8"]


class Serving(Frozen):
    """How a model is to be served. `context` is in tokens per slot."""

    engine: Engine = "llama.cpp"
    context: int = 8192
    parallel: int = 1
    kv: KvFormat = "f16"
    ubatch: int = 512
    """llama.cpp's --ubatch-size; for vLLM --max-num-batched-tokens."""
    backend: Literal["cuda", "cpu"] = "cuda"
    reserve_outputs: Literal["slots", "ubatch"] = "slots"
    """Logit rows that the compute buffer is reserved for: llama-server needs one per slot, llama-fit-params and
    llama-bench reserve a whole ubatch."""
    tensor_parallel: int = 1
    utilisation: float = 0.92
    """vLLM's --gpu-memory-utilization."""
