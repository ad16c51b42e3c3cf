"""`--set key.path=value`: the highest layer."""

from __future__ import annotations

import re

from provision.errors import ProvisionError, UsageError
from provision.models.profile import Profile, Source
from provision.profile.document import Reader
from provision.profile.text import show
from provision.profile.tree import Node

SHORT_FORMS = {
    "host": "platform.host",
    "user": "platform.user",
    "domain": "network.domain",
    "cidr": "network.cidr",
    "users": "workload.users",
}
"""Documented short forms: `--set host=pve.example.lan` is `--set platform.host=pve.example.lan`."""

_STEP = re.compile(r"[A-Za-z0-9_-]{1,60}")
_INDEX = re.compile(r"\[(\d{1,5})\]")


def read_setting(text: str, problems: list[ProvisionError]) -> Node | None:
    """'a.b.0=3' as the tree {a: {b: {'0': 3}}}; adds to `problems` and returns None where it is not one."""
    where = f"--set {show(text, 100)}"
    key, equals, value = text.partition("=")
    key = _INDEX.sub(r".\1", SHORT_FORMS.get(key, key) if key not in Profile.model_fields else key)
    steps = key.split(".")
    if not equals or len(steps) > 12 or not all(_STEP.fullmatch(step) for step in steps):
        problems.append(
            UsageError(
                f"'{show(text)}' is not a setting",
                where=where,
                hint="write key=value, for example --set hardware.memory=128GiB",
            )
        )
        return None
    reader = Reader("--set", lambda _line: where)
    try:
        node = reader.read(value)
    except ProvisionError as error:
        problems.append(error)
        return None
    problems.extend(reader.problems)
    source = Source(layer="--set", place=where)
    node = node or Node(source, None)
    for step in reversed(steps):
        node = Node(source, {step: node})
    return node
