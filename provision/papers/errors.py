"""What makes papers impossible: evidence that does not hold."""

from __future__ import annotations

from provision.errors import ExitCode, ProvisionError


class EvidenceError(ProvisionError):
    """Evidence that must not be believed: nothing is written. Exit code 1: a check failed."""

    exit_code = ExitCode.CHECK_FAILED
