"""The small real model that stands for large ones in the lab."""

from __future__ import annotations

from provision.models.catalog import Catalog
from provision.models.lab import LabModel

MODEL_FILE = "gemma-3-270m-q4_k_m.gguf"
COMPUTE_MIB = 0
PROCESS_OVERHEAD_MIB = 0
MAX_CONTEXT = 2048


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
