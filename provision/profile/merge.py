"""How a higher layer changes a lower one.

- a mapping over a mapping: key by key;
- a mapping over a list: each key picks an item by its `name`, else by its index ("machines: {engine: {...}}");
- anything else replaces what was there; a list always replaces the whole list.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from provision.errors import ProfileError, ProvisionError
from provision.profile.text import show
from provision.profile.tree import Node, Path, write_path


def merge(lower: Node | None, upper: Node, problems: list[ProvisionError], path: Path = ()) -> Node:
    """`upper` laid over `lower`. An item that is not there is added to `problems` and skipped."""
    if lower is None or not isinstance(upper.value, Mapping):
        return upper
    if isinstance(lower.value, Mapping):
        children = dict(lower.value)
        for key, child in upper.value.items():
            children[key] = merge(children.get(key), child, problems, (*path, key))
        return Node(lower.source, children)
    if isinstance(lower.value, tuple):
        return Node(lower.source, _merge_items(lower.value, upper.value, problems, path))
    return upper


def _merge_items(
    lower: tuple[Node, ...], upper: Mapping[str, Node], problems: list[ProvisionError], path: Path
) -> tuple[Node, ...]:
    items = list(lower)
    names = [_name_of(item) for item in lower]
    for key, child in upper.items():
        index = _find_index(key, names)
        if index is None:
            problems.append(_complain_missing(key, child, names, path))
        else:
            items[index] = merge(items[index], child, problems, (*path, index))
    return tuple(items)


def _find_index(key: str, names: list[str | None]) -> int | None:
    if key in names:
        return names.index(key)
    if key.isascii() and key.isdigit() and len(key) < 6 and int(key) < len(names):
        return int(key)
    return None


def _name_of(item: Node) -> str | None:
    name = item.value.get("name") if isinstance(item.value, Mapping) else None
    return name.value if name is not None and isinstance(name.value, str) else None


def _complain_missing(key: str, child: Node, names: list[str | None], path: Path) -> ProfileError:
    known = [name or str(index) for index, name in enumerate(names)]
    close = difflib.get_close_matches(key, known, 1)
    items = ", ".join(show(name) for name in known) or "no items"
    hint = f"did you mean '{show(close[0])}'?" if close else f"it has {items}; write the whole list to add one"
    return ProfileError(f"{show(write_path(path), 80)} has no item '{show(key)}'", where=child.source.place, hint=hint)
