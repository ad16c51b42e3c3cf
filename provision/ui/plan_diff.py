"""What changes between two plans, line by line."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.text import Text

from provision.models.plan import PlanChange
from provision.ui.printable import printable


def render_plan_diff(changes: Sequence[PlanChange]) -> Text:
    """`+` for what is new, `-` for what goes, `~` for what changes; a sentence where nothing does."""
    if not changes:
        return Text("No change against the last plan.")
    text = Text("Changes against the last plan\n", style="bold")
    lines = [_line(change) for change in changes]
    for line in lines:
        text.append_text(line)
    added, removed = (sum(1 for c in changes if getattr(c, side) is None) for side in ("before", "after"))
    text.append(f"{added} new, {len(changes) - added - removed} changed, {removed} removed")
    return text


_ALL_SAID = frozenset({"what", "where", "name", "source", "target", "protocol"})
"""Of a member that comes or goes, what its path has already said."""


def _shorten(text: str) -> str:
    """A member's plain values as words; the whole of it is in `provision plan --json`."""
    try:
        member = json.loads(text)
    except ValueError:
        return text
    if not isinstance(member, dict):
        return text
    if "purpose" in member:
        return " ".join(str(member[key]) for key in ("purpose", "url") if member.get(key))
    plain = {
        key: value for key, value in member.items() if isinstance(value, str | int | float) and key not in _ALL_SAID
    }
    return ", ".join(f"{key} {value}" for key, value in plain.items())


def _line(change: PlanChange) -> Text:
    path = printable(change.path)
    if change.before is None:
        return Text(f"  + {path}: {printable(_shorten(change.after or ''))}\n", style="green")
    if change.after is None:
        return Text(f"  - {path}: {printable(_shorten(change.before))}\n", style="red")
    return Text(f"  ~ {path}: {printable(change.before)} → {printable(change.after)}\n", style="yellow")
