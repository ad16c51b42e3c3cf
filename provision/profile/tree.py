"""A YAML document as a tree in which every node knows the layer and the line it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.models.profile import Source

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """`source` is the place of the key for a value of a mapping, of the dash for an item of a list."""

    source: Source
    value: Scalar | tuple[Node, ...] | Mapping[str, Node]


def to_plain(node: Node) -> Any:
    """The tree as dicts, lists and scalars, without the places."""
    if isinstance(node.value, Mapping):
        return {key: to_plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [to_plain(child) for child in node.value]
    return node.value


def find_nearest(root: Node, path: Sequence[str | int]) -> Node:
    """The node at `path`, or the deepest one above it that exists."""
    node = root
    for step in path:
        child = get_child(node, step)
        if child is None:
            break
        node = child
    return node


def get_child(node: Node | None, step: str | int) -> Node | None:
    """One step down: a key of a mapping or an index of a list; None where there is none."""
    if node is None:
        return None
    if isinstance(node.value, Mapping):
        return node.value.get(str(step))
    if isinstance(node.value, tuple) and isinstance(step, int) and 0 <= step < len(node.value):
        return node.value[step]
    return None


def find_value(root: Node, *path: str | int) -> object:
    """The scalar, tuple or mapping at `path`; None where there is nothing."""
    node: Node | None = root
    for step in path:
        node = get_child(node, step)
    return None if node is None else node.value


def list_leaves(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every scalar, empty list and empty mapping with its path."""
    if isinstance(node.value, Mapping) and node.value:
        for key, child in node.value.items():
            yield from list_leaves(child, (*path, key))
    elif isinstance(node.value, tuple) and node.value:
        for index, child in enumerate(node.value):
            yield from list_leaves(child, (*path, index))
    else:
        yield path, node


def write_path(path: Sequence[str | int]) -> str:
    """('hardware', 'gpus', 0, 'vram') → 'hardware.gpus[0].vram'."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
