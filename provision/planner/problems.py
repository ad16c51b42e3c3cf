"""Collect every problem of a profile before saying any of them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from provision.errors import ErrorGroup, PlanError


class Problems:
    """What makes a plan impossible, in the order it was found."""

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._errors: list[PlanError] = []

    def add(self, what: str, *, at: str, hint: str) -> None:
        """Note a problem at a path of the profile ('machines.1.memory')."""
        error = PlanError(what, where=f"profile '{self._profile}', {at}", hint=hint)
        # Each replica of a model finds the same at the same place.
        if all((other.what, other.where) != (error.what, error.where) for other in self._errors):
            self._errors.append(error)

    def raise_if_any(self) -> None:
        """Raise PlanError for one problem, ErrorGroup for several."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise ErrorGroup(self._errors)


def list_choices(word: str, known: Iterable[str]) -> str:
    """A hint naming what was probably meant, else everything that is known."""
    names = sorted(known)
    close = get_close_matches(word, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known are: {', '.join(names)}"
