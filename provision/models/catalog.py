"""What is known of GPUs, models, services and artifacts: data with a source each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from provision.models.architecture import Architecture, Engine
from provision.models.base import Frozen


class Interconnect(Frozen):
    """How a card is reached. `pcie_gb_s` is one direction of the host's link, before protocol overhead: 31.5 for
    generation 4 and 63 for generation 5, each with 16 lanes. `nvlink_gb_s` is a card's total of both directions."""

    pcie_generation: int
    pcie_lanes: int
    pcie_gb_s: float
    nvlink: Literal["bridge", "switch"] | None = None
    """`bridge`: a part to buy, for pairs of cards; `switch`: every card reaches every other; None: there is none."""
    nvlink_gb_s: float | None = None
    """None also where a bridge's bandwidth is not known."""


class GpuEntry(Frozen):
    """Memory in MiB as NVML reports it; `usable_mib` is what CUDA was seen to offer; power in watts."""

    id: str
    nvml_name: str
    memory_mib: int
    usable_mib: int
    usable_measured: bool
    bandwidth_gb_s: float
    tdp_w: int
    context_overhead_mib: int
    source: str
    overhead_measured: bool = False
    bf16_tflops: float | None = None
    """Tensor cores, dense (no sparsity), sums in FP32."""
    interconnect: Interconnect | None = None
    ecc: str = ""
    """What error correction takes of the memory."""
    sources: dict[str, str] = Field(default_factory=dict)
    """Where each figure comes from, by field."""


class Quant(Frozen):
    """One way to store a model's weights. `file_mib` is `file_bytes` rounded up to whole MiB."""

    name: str
    file_mib: int
    source: str
    file_bytes: int | None = None


class LicenceFinding(Frozen):
    """What a licence asks for. A warning may forbid the use at hand; a note is a duty."""

    severity: Literal["note", "warning"]
    what: str
    source: str


class Alias(Frozen):
    """Another name of a model. `explanation` says why, where that name is wrong or means more than one model."""

    name: str
    explanation: str | None = None


class ModelEntry(Frozen):
    """Hyper-parameters that the memory formulas need; one entry per real model."""

    id: str
    name: str
    layers: int
    kv_heads: int
    head_dim: int
    embedding: int
    vocabulary: int
    max_context: int
    parameters_b: float
    active_parameters_b: float
    sliding_window: int | None = None
    full_attention_every: int | None = None
    """Every n-th layer sees the whole context; the others only the window."""
    tied_embeddings: bool = True
    """True where the token embeddings are also the output layer, so that a card holds them. If in doubt, True:
    the budget is then too large rather than too small."""
    quants: tuple[Quant, ...]
    licence: str
    restrictions: str
    source: str
    architecture: Architecture | None = None
    """Always there in the shipped catalogue; None only where a test makes an entry by hand."""
    hf_repo: str = ""
    ollama_tag: str | None = None
    engines: tuple[Engine, ...] = ()
    checkpoints: tuple[Quant, ...] = ()
    """Safetensors files, which vLLM loads; `quants` are GGUF files."""
    findings: tuple[LicenceFinding, ...] = ()
    aliases: tuple[Alias, ...] = ()
    workload: str | None = None
    """What the articles that the product comes from recommend the model for."""
    name_check: str = ""
    sources: dict[str, str] = Field(default_factory=dict)
    """Where each fact comes from, by field; `source` is that of the hyper-parameters."""


class ServiceEntry(Frozen):
    """A service that can be placed on a machine."""

    name: str
    role: str
    unit: str
    port: int | None
    needs: tuple[str, ...]
    installs: Literal["release", "package"]
    release: str | None
    """Release id computed from the role's recipe, None for packages."""


class Artifact(Frozen):
    """One pinned file. `sha256` None means unresolved: `up` refuses it."""

    name: str
    version: str
    source: str
    sha256: str | None
    size_bytes: int | None
    licence: str


class Catalog(Frozen):
    gpus: dict[str, GpuEntry]
    models: dict[str, ModelEntry]
    """The models whose memory the planner's formulas know: the only ones that it may offer."""
    services: dict[str, ServiceEntry]
    artifacts: dict[str, Artifact]
    further_models: dict[str, ModelEntry] = Field(default_factory=dict)
    """Known models that need other formulas: latent or chunked attention, recurrent layers, encoders."""

    @property
    def all_models(self) -> dict[str, ModelEntry]:
        return self.models | self.further_models
