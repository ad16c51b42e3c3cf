"""A store with a short limit, and what a refusal must look like."""

from __future__ import annotations

import time

import pytest

from decision_layer.audit.backend import Backend
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.store import LogStore
from tests.audit.samples import KEYS, decision

LIMIT_S = 0.6


def open_store(backend: Backend, **more: float) -> LogStore:
    return LogStore.open(backend, KEYS, limit_s=LIMIT_S, **more)  # type: ignore[arg-type]


async def refused_in_time(store: LogStore) -> AuditUnavailableError:
    start = time.monotonic()
    with pytest.raises(AuditUnavailableError) as caught:
        await store.decide(decision())
    assert time.monotonic() - start < LIMIT_S + 0.4
    return caught.value
