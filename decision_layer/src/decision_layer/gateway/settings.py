"""Where the gateway finds its files. One small YAML file, named by DECISION_LAYER_SETTINGS."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from decision_layer.audit.backend import Backend, Server
from decision_layer.audit.backends import make_backend
from decision_layer.errors import DecisionLayerError

VARIABLE = "DECISION_LAYER_SETTINGS"


class Langfuse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where records are sent as OTLP. The keys are names of files in the credentials folder."""

    url: str
    public_key: str
    secret_key: str
    every_seconds: float = 2.0


class Postgresql(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server for the audit trail: a URL without a password, which is a file in the credentials folder.

    TLS is asked for unless the URL says otherwise; sslmode=verify-full with sslrootcert also checks whose it is.
    """

    url: str
    password: str | None = "audit_database"  # noqa: S105 - the file's name
    schema: str = "decision_layer"


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the audit trail is: SQLite below `state`, or this server. The checkpoints are below `state` either way."""

    postgresql: Postgresql | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All paths absolute. `signer`: public key (PEM, Ed25519) that policies must be signed with; None: unsigned."""

    policy: Path
    credentials: Path
    state: Path
    audit_key: str = "audit"
    """The credential that holds the audit trail's secret."""
    audit: Audit = Audit()
    second_place: Path | None = None
    signer: Path | None = None
    langfuse: Langfuse | None = None
    address: str = "127.0.0.1"
    port: int = 8090


def audit_backend(settings: Settings) -> Backend:
    """The audit trail's database. Raises AuditUnavailableError."""
    given = settings.audit.postgresql
    server = None
    if given is not None:
        file = settings.credentials / given.password if given.password else None
        server = Server(given.url, file, given.schema)
    return make_backend(settings.state / "audit", server)


def read_settings(path: Path | None = None) -> Settings:
    """Raises DecisionLayerError."""
    place = path or Path(os.environ.get(VARIABLE, "/etc/decision-layer/settings.yml"))
    try:
        return msgspec.yaml.decode(place.read_bytes(), type=Settings, dec_hook=_read_path)
    except (OSError, msgspec.MsgspecError) as error:
        raise DecisionLayerError(
            f"the settings cannot be used: {error}", where=str(place), hint=f"name the file by {VARIABLE}"
        ) from None


def _read_path(kind: type, value: object) -> object:
    if kind is not Path or not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(f"{value!r} is no absolute path")
    return Path(value)
