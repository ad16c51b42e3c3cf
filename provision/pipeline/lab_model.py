"""The small real model that stands for large ones in the lab."""

from __future__ import annotations

from provision.models.catalog import Catalog
from provision.models.lab import LabModel

MODEL_FILE = "gemma-3-270m-q4_k_m.gguf"
COMPUTE_MIB = 24
"""As the pinned llama-server logs it for this model (tests/fixtures/llama-server-memory.log: 23.81 MiB)."""
PROCESS_OVERHEAD_MIB = 52
"""Measured in a guest: 338 to 342 MiB resident with 2 x 2048 tokens of q8_0, less weights, KV and compute."""
MAX_CONTEXT = 2048
"""Tokens per slot: enough for every request that verification makes, and small on two cores."""


def describe_lab_model(catalog: Catalog) -> LabModel:
    """The model as the plan needs it; its size is that of the pinned file."""
    size = catalog.artifacts[MODEL_FILE].size_bytes or 0
    return LabModel(
        id="gemma-3-270m",
        quant="q4_k_m",
        file=MODEL_FILE,
        weights_mib=round(size / 2**20),
        compute_mib=COMPUTE_MIB,
        process_overhead_mib=PROCESS_OVERHEAD_MIB,
        max_context=MAX_CONTEXT,
    )
