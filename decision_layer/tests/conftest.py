"""One gateway for the tests that leave it as it was, and one PostgreSQL for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.gateway.running import Lab, running_lab

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("gateway")) as lab:
        yield lab


@pytest.fixture
def lab(running: Lab) -> Iterator[Lab]:
    running.forget()
    yield running
    for side in running.ports:
        running.fault(side, "")


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
