"""What is known of GPUs, models, services and artifacts: data with a source each."""

from __future__ import annotations

from typing import Literal

from provision.models.base import Frozen


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


class Quant(Frozen):
    name: str
    file_mib: int
    source: str


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
    services: dict[str, ServiceEntry]
    artifacts: dict[str, Artifact]
