"""Errors are what / where / hint, as everywhere in provision."""

from __future__ import annotations


class DecisionLayerError(Exception):
    """Base of all errors with a message for people. `faults`: of a policy, each a line of its own."""

    faults: tuple[str, ...] = ()

    def __init__(self, what: str, *, where: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"
