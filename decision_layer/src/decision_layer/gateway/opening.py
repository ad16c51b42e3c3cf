"""The audit trail at the start: a file is there or not, a server on another machine may come later than the gateway."""

from __future__ import annotations

import asyncio
import logging
import time

from decision_layer.audit.backend import DamagedError, DatabaseError
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.store import LogStore
from decision_layer.gateway.settings import Settings, audit_backend

log = logging.getLogger(__name__)
PATIENCE_S = 90.0
"""For a server that boots, or is set up, at the same time. Nothing is answered before it is there."""
_AGAIN_S = 0.5


async def open_trail(settings: Settings, keys: AuditKeys, patience_s: float = PATIENCE_S) -> LogStore:
    """Open or made. Raises AuditUnavailableError: at once for files and for what contradicts its checkpoints."""
    backend = audit_backend(settings)
    backend.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + (patience_s if settings.audit.postgresql else 0.0)
    told = ""
    while True:
        try:
            return LogStore.open(backend, keys, settings.second_place)
        except AuditUnavailableError as error:
            away = isinstance(error.__cause__, DatabaseError) and not isinstance(error.__cause__, DamagedError)
            if not away or time.monotonic() > deadline:
                raise
            if error.what != told:
                log.warning("waiting for %s: %s", error.where, error.what)
                told = error.what
        await asyncio.sleep(_AGAIN_S)
