"""What the detectors write into: distinct values by kind, so that a value seen twice (raw and decoded) counts once."""

from __future__ import annotations

from collections import defaultdict

from decision_layer.parts import Finding


class Hits:
    """Values stay in this object, which lives for one scan; only kinds and counts leave it."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, kind: str, value: str) -> None:
        self._values[kind].add(value)

    def has(self, kind: str) -> bool:
        return kind in self._values

    def findings(self) -> tuple[Finding, ...]:
        """Sorted by kind, so that the same request gives the same record."""
        return tuple(Finding(kind, len(values)) for kind, values in sorted(self._values.items()))
