"""Both databases for the tests that ask for `backend`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from decision_layer.audit.backend import Backend
from decision_layer.audit.backends import make_backend

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """An empty log whose checkpoints are in tmp_path."""
    if request.param == "sqlite":
        return make_backend(tmp_path)
    running: Cluster = request.getfixturevalue("cluster")
    return make_backend(tmp_path, running.server())


@pytest.fixture
def postgresql(cluster: Cluster, tmp_path: Path) -> Backend:
    """An empty log in PostgreSQL."""
    return make_backend(tmp_path, cluster.server())
