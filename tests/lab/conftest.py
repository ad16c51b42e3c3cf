"""What every lab test waits for."""

from __future__ import annotations

import pytest

from provision.lab.locks import held
from tests.lab.prefetch import LOCK


@pytest.fixture(scope="session", autouse=True)
def _prefetched() -> None:
    """The builders of scripts/test are gone: some tests look at every bridge of the machine."""
    with held(LOCK):
        pass
