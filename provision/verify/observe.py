"""Read what a machine's probe printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from provision.errors import SetupError
from provision.models.observation import MachineObservation
from provision.models.observation import parse_observation as parse_document

_SHOWN_PROBLEMS = 3
_SHOWN_TEXT = 80


def parse_observation(machine: str, stdout: str | Mapping[str, Any]) -> MachineObservation:
    """The observation. Raises SetupError that names the machine and the first fields that do not fit."""
    if isinstance(stdout, str) and not stdout.strip():
        raise SetupError(
            "the probe printed nothing",
            where=f"machine {machine}",
            hint=f"provision logs {machine} shows why; provision up installs the probe again",
        )
    try:
        return parse_document(stdout)
    except (ValidationError, TypeError, ValueError) as error:
        raise SetupError(
            f"the probe's answer cannot be read: {_describe(error)}",
            where=f"machine {machine}, which answered {_excerpt(stdout)}",
            hint="the probe there may be of another version: provision up installs the matching one",
        ) from error


def _describe(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problems = error.errors(include_url=False, include_input=False)
    shown = [f"{'.'.join(str(part) for part in p['loc']) or 'document'}: {p['msg']}" for p in problems]
    more = f" and {len(shown) - _SHOWN_PROBLEMS} more" if len(shown) > _SHOWN_PROBLEMS else ""
    return "; ".join(shown[:_SHOWN_PROBLEMS]) + more


def _excerpt(stdout: str | Mapping[str, Any]) -> str:
    text = " ".join(str(stdout).split())
    return repr(text if len(text) <= _SHOWN_TEXT else text[:_SHOWN_TEXT] + "…")
