"""Makes the backend that a settings file or a command line names."""

from __future__ import annotations

from pathlib import Path

from decision_layer.audit.backend import Backend, Server
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.sqlite import SqliteBackend


def make_backend(directory: Path, server: Server | None = None) -> Backend:
    """SQLite in the directory, or PostgreSQL with its checkpoints there; AuditUnavailableError without the driver."""
    if server is None:
        return SqliteBackend(directory)
    try:
        # Only here: who keeps the log in SQLite needs neither driver nor libpq.
        from decision_layer.audit.postgresql import PostgresqlBackend
    except ImportError as error:
        raise AuditUnavailableError(
            f"PostgreSQL cannot be used: {error}",
            where="decision-layer",
            hint="install decision-layer[postgresql] and the system's libpq (Debian: libpq5)",
        ) from error
    return PostgresqlBackend(directory, server)
