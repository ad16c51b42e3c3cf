"""A number for the decision layer's policy that only rises: its gateway refuses one that is not newer than the last.

The inventory written before this one is the memory. Where that is lost, the clock goes on from it: the number is the
minute (UTC) in which the policy was first written so, 202611302041.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from provision.models.inventory import Inventory

_POLICY = "decision_layer_policy"
_VERSION = re.compile(r"^version: (\d+)$", re.MULTILINE)
"""Of the file's first level: what `policy_text` writes below it is indented, quoted lines too."""


class _Reader(yaml.SafeLoader):
    """An inventory of ours: `!unsafe` marks a text for Ansible and is nothing to us."""


def _read_marked(loader: _Reader, node: yaml.ScalarNode) -> object:
    return loader.construct_scalar(node)


_Reader.add_constructor("!unsafe", _read_marked)


def number_policy(inventory: Inventory, folder: Path, now: datetime | None = None) -> Inventory:
    """The inventory with its policy numbered; `folder` has the one before, if there was any.

    A policy that says the same keeps its number, so that a second run changes nothing. A firm's own policy keeps the
    number that it says where that is the highest.
    """

    def number(name: str, variables: dict[str, Any]) -> dict[str, Any]:
        said = variables.get(_POLICY)
        if said is None:
            return variables
        earlier = _read_earlier(folder / "host_vars" / f"{name}.yml")
        if earlier and _without(earlier) == _without(said):
            return {**variables, _POLICY: earlier}
        minute = int((now or datetime.now(UTC)).strftime("%Y%m%d%H%M"))
        version = max(_version_of(said), _version_of(earlier) + 1, minute)
        return {**variables, _POLICY: _VERSION.sub(f"version: {version}", said, count=1)}

    numbered = {name: number(name, variables) for name, variables in inventory.host_vars.items()}
    return inventory.model_copy(update={"host_vars": numbered})


def _read_earlier(place: Path) -> str:
    """The policy's text, "" where there is none that can be read: then the clock alone decides."""
    try:
        document = yaml.load(place.read_text(encoding="utf-8"), _Reader)  # noqa: S506 - a SafeLoader
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    text = document.get(_POLICY, "") if isinstance(document, dict) else ""
    return text if isinstance(text, str) else ""


def _version_of(text: str) -> int:
    found = _VERSION.search(text)
    return int(found.group(1)) if found else 0


def _without(text: str) -> str:
    return _VERSION.sub("", text, count=1)
