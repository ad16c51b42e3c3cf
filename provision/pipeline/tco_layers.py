"""How one layer of a cost case is laid over another: groups that can be written in two ways keep the newer way."""

from __future__ import annotations

from collections.abc import Mapping

from provision.errors import ProvisionError
from provision.models.tco import CostCase
from provision.profile.merge import merge
from provision.profile.tree import Node, find_nearest, get_child
from provision.tco.inputs import find_input

_TWO_WAYS = ("electricity", "operations")
_LUMP = "per_year"


def lay_over(lower: Node, upper: Node, problems: list[ProvisionError]) -> Node:
    """As `merge`; but where `upper` has an option's hours or watts, the lump sum below it goes, and the other way."""
    return merge(_drop_displaced(lower, upper), upper, problems)


def drop_stale_ranges(case: CostCase, root: Node) -> CostCase:
    """A built-in case's ranges of inputs that a higher layer wrote in another way; one's own are left to the checks."""
    kept = tuple(
        one
        for place, one in enumerate(case.ranges)
        if find_input(case, one.input) is not None or find_nearest(root, ("ranges", place)).source.layer != "built-in"
    )
    return case.model_copy(update={"ranges": kept})


def _drop_displaced(lower: Node, upper: Node) -> Node:
    options, changes = get_child(lower, "options"), get_child(upper, "options")
    if options is None or changes is None or not isinstance(changes.value, Mapping):
        return lower
    if not isinstance(options.value, tuple) or not isinstance(lower.value, Mapping):
        return lower
    items = tuple(
        _trim(item, changes.value.get(_name_of(item)) or changes.value.get(str(place)))
        for place, item in enumerate(options.value)
    )
    return Node(lower.source, {**lower.value, "options": Node(options.source, items)})


def _trim(option: Node, change: Node | None) -> Node:
    if change is None or not isinstance(option.value, Mapping) or not isinstance(change.value, Mapping):
        return option
    parts = dict(option.value)
    for name in _TWO_WAYS:
        below, above = parts.get(name), change.value.get(name)
        if below and above and isinstance(below.value, Mapping) and isinstance(above.value, Mapping) and above.value:
            lump = _LUMP in above.value
            kept = {key: child for key, child in below.value.items() if (key == _LUMP) == lump}
            parts[name] = Node(below.source, kept)
    return Node(option.source, parts)


def _name_of(item: Node) -> str:
    name = get_child(item, "name")
    return str(name.value) if name is not None else ""
