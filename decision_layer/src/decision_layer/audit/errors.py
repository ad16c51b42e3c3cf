"""What can go wrong with the audit record. Whatever is raised here, the request it belongs to must be refused."""

from __future__ import annotations

from decision_layer.errors import DecisionLayerError


class AuditError(DecisionLayerError):
    """Base of all errors of this package."""


class AuditUnavailableError(AuditError):
    """The store cannot say that the entry is durable: disk full, file gone, locked, damaged, too slow."""


class AuditRecordError(AuditError):
    """The entry itself cannot be stored: too long, not encodable, a second decision with the same id."""


class AuditKeyError(AuditError):
    """The signing key is missing, malformed, or not the one that the log was written with."""
