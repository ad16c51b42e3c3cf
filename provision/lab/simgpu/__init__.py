"""Simulated GPUs for lab guests: C libraries that the real pynvml loads, and their installation."""
