"""YAML, strictly: one document, no tags, no anchors, no duplicate keys, bounded depth and size."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Literal

import yaml

from provision.errors import ProfileError, ProvisionError
from provision.models.profile import Source
from provision.profile.text import count_lines, show
from provision.profile.tree import Node, Scalar

Layer = Literal["built-in", "file", "client", "--set"]
MAX_DEPTH = 24
MAX_NODES = 20_000
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})")
_TAG = "tag:yaml.org,2002:"


class _Refused(yaml.MarkedYAMLError):
    """Valid YAML that a profile does not need; `problem` says what, `note` what to do."""


class _StrictLoader(yaml.SafeLoader):
    """Composes nodes only; nothing is ever constructed from a tag."""

    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if event.anchor is not None:
            raise _Refused(
                problem="the file uses an anchor or alias (& or *)", problem_mark=mark, note="repeat the value"
            )
        if event.tag is not None:
            raise _Refused(problem=f"the file uses the tag {show(event.tag)}", problem_mark=mark, note="remove the tag")
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Refused(
                problem=f"the file holds more than {MAX_NODES} values, which no profile does",
                problem_mark=mark,
                note="check that this is the file you mean",
            )
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused(
                problem=f"the file is nested deeper than {MAX_DEPTH} levels, which no profile is",
                problem_mark=mark,
                note="check the brackets and the indentation",
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class Reader:
    """Turns one text into a Node; `place` names a line of it. Faults that leave the rest readable are collected."""

    def __init__(self, layer: Layer, place: Callable[[int], str]) -> None:
        self.problems: list[ProvisionError] = []
        self._layer = layer
        self._place = place

    def read(self, text: str) -> Node | None:
        """The whole document; None for an empty one. Raises ProfileError where it is not such YAML."""
        composed = self._compose(text)
        return None if composed is None else self._convert(composed, composed.start_mark.line + 1)

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            loader = _StrictLoader(text)
            try:
                return loader.get_single_node()
            finally:
                loader.dispose()
        except _Refused as error:
            raise self._complain(error.problem or "", _line_of(error, text), error.note or "") from error
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # PyYAML lets ValueError and OverflowError through for escapes such as "\U00110000".
            raise self._complain(
                f"not valid YAML: {_explain(error)}",
                _line_of(error, text),
                "check the indentation, the colons and the quotes here and just above",
            ) from error

    def _convert(self, node: yaml.Node, line: int) -> Node:
        source = Source(layer=self._layer, place=self._place(line))
        if isinstance(node, yaml.MappingNode):
            return Node(source, self._convert_mapping(node))
        if isinstance(node, yaml.SequenceNode):
            return Node(source, tuple(self._convert(item, item.start_mark.line + 1) for item in node.value))
        return Node(source, _read_scalar(node))

    def _convert_mapping(self, node: yaml.MappingNode) -> dict[str, Node]:
        children: dict[str, Node] = {}
        first_line: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(self._complain("a key is a list or a mapping", line, "write a plain word"))
                continue
            name = str(key.value)
            if name in children:
                self.problems.append(
                    self._complain(
                        f"the key '{show(name)}' is written twice",
                        line,
                        f"keep one; the other is in line {first_line[name]}",
                    )
                )
                continue
            first_line[name] = line
            children[name] = self._convert(value, line)
        return children

    def _complain(self, what: str, line: int, hint: str) -> ProfileError:
        return ProfileError(what, where=self._place(line), hint=hint)


def _read_scalar(node: yaml.Node) -> Scalar:
    """YAML 1.2's plain types, so that `no`, 0x10, 010 and 1:30 stay the text that was written."""
    text = str(node.value)
    kind = node.tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "int" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "float":
        return _read_float(text)
    return text


def _read_float(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _line_of(error: Exception, text: str) -> int:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    position = getattr(error, "position", None)
    return count_lines(text, position) if isinstance(position, int) else 1


def _explain(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        return show(", ".join(part for part in (error.context, error.problem) if part), 120)
    return show(str(getattr(error, "reason", None) or error), 120)
