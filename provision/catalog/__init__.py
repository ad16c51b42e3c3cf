"""GPUs, models, services and artifacts: YAML with a source for each figure, and one loader."""

from __future__ import annotations

from provision.catalog.aliases import find_model
from provision.catalog.loader import load_catalog
from provision.catalog.releases import release_id

__all__ = ["find_model", "load_catalog", "release_id"]
