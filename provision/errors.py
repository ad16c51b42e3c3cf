"""Every failure a user sees: what happened, where, and what to do next.

The exit codes are the CLI contract of `docs/exit-codes.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every `provision` verb."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    PROFILE_INVALID = 3
    PLAN_IMPOSSIBLE = 4
    SETUP_BROKEN = 5
    RUN_FAILED = 6
    UNREACHABLE = 7
    LOCKED = 8
    INTERRUPTED = 130


class ProvisionError(Exception):
    """One problem in three lines: what, where, hint."""

    exit_code = ExitCode.SETUP_BROKEN

    def __init__(self, what: str, *, where: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"Error: {self.what}\nWhere: {self.where}\n Hint: {self.hint}"


class UsageError(ProvisionError):
    exit_code = ExitCode.USAGE


class ProfileError(ProvisionError):
    exit_code = ExitCode.PROFILE_INVALID


class PlanError(ProvisionError):
    exit_code = ExitCode.PLAN_IMPOSSIBLE


class SetupError(ProvisionError):
    exit_code = ExitCode.SETUP_BROKEN


class RunError(ProvisionError):
    exit_code = ExitCode.RUN_FAILED


class UnreachableError(ProvisionError):
    exit_code = ExitCode.UNREACHABLE


class LockedError(ProvisionError):
    exit_code = ExitCode.LOCKED


class RunInterruptedError(ProvisionError):
    exit_code = ExitCode.INTERRUPTED


class ErrorGroup(Exception):
    """Several problems found in one pass; the exit code is that of the first."""

    def __init__(self, errors: Sequence[ProvisionError]) -> None:
        if not errors:
            raise ValueError("an ErrorGroup holds at least one error")
        super().__init__(f"{len(errors)} problems")
        self.errors = tuple(errors)

    @property
    def exit_code(self) -> ExitCode:
        return self.errors[0].exit_code

    def __str__(self) -> str:
        return "\n\n".join(str(error) for error in self.errors)
