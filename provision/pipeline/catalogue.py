"""What is known: profiles, GPUs, models."""

from __future__ import annotations

from provision.catalog import load_catalog
from provision.models.catalog import GpuEntry, ModelEntry
from provision.profile import ProfileSummary, list_profiles


def list_known_profiles() -> tuple[ProfileSummary, ...]:
    return list_profiles()


def list_gpus() -> tuple[GpuEntry, ...]:
    return tuple(load_catalog().gpus.values())


def list_models() -> tuple[ModelEntry, ...]:
    """All of them, by id."""
    return tuple(entry for _, entry in sorted(load_catalog().models.items()))
