"""The sender of records to Langfuse, as the settings name it."""

from __future__ import annotations

from pathlib import Path

from decision_layer.audit.sender import OtlpSender, Target
from decision_layer.errors import DecisionLayerError
from decision_layer.gateway.settings import Settings, audit_backend


def make_sender(settings: Settings) -> OtlpSender | None:
    """None where the settings name no Langfuse. Raises DecisionLayerError where its keys cannot be read."""
    langfuse = settings.langfuse
    if langfuse is None:
        return None
    keys = [_read_key(settings.credentials / name) for name in (langfuse.public_key, langfuse.secret_key)]
    return OtlpSender(audit_backend(settings), Target(langfuse.url, *keys), every_s=langfuse.every_seconds)


def _read_key(place: Path) -> str:
    try:
        key = place.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        key, why = "", type(error).__name__
    else:
        why = "it is empty"
    if not key:
        raise DecisionLayerError(
            f"a key of Langfuse cannot be used: {why}", where=str(place), hint="put it into the credentials folder"
        )
    return key
