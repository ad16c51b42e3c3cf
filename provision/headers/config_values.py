"""Values of a `config.json`, asked for by name and kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.errors import UsageError
from provision.headers.source import shown

_MOST = 2**31 - 1
_MOST_ELEMENTS = 4096


class Config:
    """`kind` is the model's class ('LlamaForCausalLM'). A multimodal model's `text_config` wins over the top level.

    Every method raises UsageError for a value of another kind; an absent or null one counts as not there.
    """

    def __init__(self, document: Mapping[str, Any], where: str) -> None:
        text = document.get("text_config", document.get("llm_config"))
        self._values: dict[str, Any] = {**document, **text} if isinstance(text, dict) else dict(document)
        self.where = where
        self.kind = self._read_kind(document)

    def number(self, *names: str) -> int | None:
        """The first of the names that is there: a whole number from 0 to 2**31 - 1."""
        for name in names:
            value = self._values.get(name)
            if value is None:
                continue
            if type(value) is not int or not 0 <= value <= _MOST:
                raise self.error(f"{name} is {_told(value)}, which is no whole number from 0 to {_MOST}")
            return value
        return None

    def required(self, *names: str) -> int:
        if (value := self.number(*names)) is None:
            raise self.error(f"{names[0]} is missing")
        return value

    def numbers(self, name: str) -> tuple[int, ...] | None:
        value = self._list(name, int)
        return None if value is None else tuple(value)

    def texts(self, name: str) -> tuple[str, ...] | None:
        value = self._list(name, str)
        return None if value is None else tuple(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(f"{name} is {_told(value)}, neither true nor false")
        return value

    def text(self, *names: str) -> str | None:
        return next((value for name in names if isinstance(value := self._values.get(name), str)), None)

    def section(self, name: str) -> Mapping[str, Any]:
        value = self._values.get(name)
        return value if isinstance(value, dict) else {}

    def error(self, what: str) -> UsageError:
        return UsageError(shown(what, 300), where=self.where, hint="compare with config.json on the model's page")

    def _list(self, name: str, kind: type) -> list[Any] | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > _MOST_ELEMENTS or any(type(item) is not kind for item in value):
            raise self.error(f"{name} is no list of at most {_MOST_ELEMENTS} values of type {kind.__name__}")
        return value

    def _read_kind(self, document: Mapping[str, Any]) -> str:
        kinds = document.get("architectures")
        if isinstance(kinds, list) and kinds and isinstance(kinds[0], str) and kinds[0]:
            return kinds[0]
        raise UsageError(
            "the configuration names no architecture", where=self.where, hint="name a model's own config.json"
        )


def _told(value: object) -> str:
    return str(value)[:40] if isinstance(value, bool | float) else shown(repr(value)[:80])
