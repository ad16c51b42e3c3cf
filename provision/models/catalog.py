"""What is known of GPUs, models, services and artifacts: data with a source each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from provision.models.architecture import Architecture, Engine
from provision.models.base import Frozen
from provision.models.sites import SitePaths


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
    """One real model: its shape, which the memory formulas need, its files, and what is to be known of it."""

    id: str
    name: str
    architecture: Architecture
    parameters_b: float
    active_parameters_b: float
    quants: tuple[Quant, ...]
    licence: str
    source: str
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
    uses: tuple[str, ...] = ()
    """Services that it is connected with where they are placed."""
    installs: Literal["release", "package"]
    release: str | None = None
    """Release id computed from the role's recipe, None for packages."""
    artifacts: tuple[str, ...] = ()
    """Files of upstream, by their names in the lock, that the recipe unpacks."""
    images: tuple[str, ...] = ()
    """Container images that it runs from, by their names in images.yml."""
    held: bool = False
    """The user holds the service on an older release, which machines have already or which nobody has."""
    site: SitePaths | None = None
    """Of a service that people open through the gateway."""
    stand_in: bool = False
    """The release is made from a stand-in of those files: the lab's, where upstream cannot be had."""


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

    def list_names(self) -> dict[str, tuple[ModelEntry, str | None]]:
        """Every name of every model, squeezed, with the model and why that name is wrong where it is."""
        return {
            squeeze(name): (entry, explanation)
            for entry in self.models.values()
            for name, explanation in _names_of(entry)
        }


def squeeze(name: str) -> str:
    """A model's name as it is compared: case, spaces, dashes and underscores do not count."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def _names_of(entry: ModelEntry) -> Iterator[tuple[str, str | None]]:
    yield from ((alias.name, alias.explanation) for alias in entry.aliases)
    yield from ((name, None) for name in (entry.id, entry.name, entry.hf_repo, entry.ollama_tag) if name)
