"""What a file says about a model, under llama.cpp's keys without the architecture's name before them."""

from __future__ import annotations

from provision.errors import UsageError
from provision.headers.gguf_part import Number, Value
from provision.headers.source import shown
from provision.models.base import Frozen

_MOST = 2**31 - 1


class Facts(Frozen):
    """`values` by key ('attention.head_count'); `where` names the file.

    `windows_count`: a sliding window counts whatever the family. vLLM honours a configuration's window; llama.cpp
    honours it for some families only.
    """

    family: str
    values: dict[str, Value]
    where: str
    windows_count: bool = False

    def number(self, key: str, default: int | None = None, *, least: int = 0, most: int = _MOST) -> int:
        """Raises UsageError where the key is missing without a default, or is no whole number from least to most."""
        return self._check(key, self.values.get(key, default), least, most)

    def largest(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """As `number`, but a list with a number per layer is taken at its largest."""
        value = self.values.get(key, default)
        if isinstance(value, tuple) and value:
            return max(self._check(key, element, 0, _MOST) for element in value)
        return self._check(key, value, least, _MOST)

    def varies(self, key: str) -> bool:
        value = self.values.get(key)
        return isinstance(value, tuple) and len(set(value)) > 1

    def per_layer(self, key: str, layers: int) -> tuple[Number, ...] | None:
        """The first `layers` elements of a list; None where there is a number or nothing. Raises UsageError."""
        value = self.values.get(key)
        if not isinstance(value, tuple):
            return None
        if len(value) < layers:
            raise self.error(f"{key} has {len(value)} elements for {layers} layers")
        return value[:layers]

    def error(self, what: str) -> UsageError:
        return UsageError(
            shown(what, 300), where=self.where, hint="compare with the publisher's file: it may be altered"
        )

    def _check(self, key: str, value: object, least: int, most: int) -> int:
        if value is None:
            raise self.error(f"{key} is missing: the shape of this '{shown(self.family)}' model cannot be told")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            given = value if isinstance(value, bool | int | float) else type(value).__name__
            raise self.error(f"{key} is {given}, which is no whole number from {least} to {most}")
        return value
