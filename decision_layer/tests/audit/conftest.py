"""Both databases for the tests that ask for `backend`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from decision_layer.audit.backend import Backend
from decision_layer.audit.backends import make_backend

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for the session; a test that stops it starts it again."""
    try:
        from tests.audit.clusters import missing, running_cluster  # psycopg needs the system's libpq
    except ImportError as error:
        pytest.skip(f"no PostgreSQL is installed: {error}")
    if why := missing():
        pytest.skip(why)
    with running_cluster() as running:
        yield running


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
