"""One model's settings in a client file: the file's other lines stay as they are, byte for byte."""

from __future__ import annotations

from typing import Any

import yaml

_BLOCK = "workload"


def set_client_model(text: str, name: str, settings: dict[str, Any]) -> str:
    """The client file with `settings` for the model `name` of the workload.

    Only the block `workload:` is written anew (its comments go), or one is added at the end. The file was loaded
    before: it is YAML, a mapping, without anchors and tags.
    """
    lines = text.splitlines(keepends=True)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next(((key, value) for key, value in pairs if key.value == _BLOCK), None)
    if found is None:
        gap = "" if not lines or lines[-1].endswith("\n") else "\n"
        return text + gap + "\n" + _write({"models": {name: settings}})
    key, value = found
    block = yaml.safe_load(text)[_BLOCK] or {}
    begin, end = key.start_mark.line, _last_line(value) + 1
    return "".join([*lines[:begin], _write(_merge(block, name, settings)), *lines[end:]])


def _merge(block: dict[str, Any], name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """A mapping of models changes the profile's by name, a list replaces the profile's."""
    models = block.get("models") or {}
    if isinstance(models, list):
        named = [model | settings if model.get("name") == name else model for model in models]
        return block | {"models": named}
    return block | {"models": models | {name: (models.get(name) or {}) | settings}}


def _write(block: dict[str, Any]) -> str:
    return yaml.safe_dump({_BLOCK: block}, sort_keys=False, allow_unicode=True, default_flow_style=False)


def _last_line(node: yaml.Node) -> int:
    """Of the last scalar: where a block collection ends, PyYAML's own mark is already at what follows."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False) or not node.value:
        return int(node.end_mark.line)
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)
