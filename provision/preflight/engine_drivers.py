"""The oldest NVIDIA driver that each engine runs with: that of the CUDA release it is built with. Data only."""

from __future__ import annotations

SOURCE = "docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html, table 1"
CUDA_FLOORS = {12: "525", 13: "580"}
"""Oldest driver branch by CUDA's major version; within a major version every older minor release's will do."""
ENGINE_CUDA = {"llama_cpp": 13, "vllm": 13}
"""CUDA's major version by engine; a test holds it to the locked requirements of the engine's recipe."""
FLOORS = {engine: CUDA_FLOORS[major] for engine, major in ENGINE_CUDA.items()} | {"ollama": "550"}
"""Oldest driver branch by engine; Ollama names its own (ollama, docs/gpu.mdx; domain.md C1.9)."""
