"""What changes between two plans, line by line."""

from __future__ import annotations

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


def _line(change: PlanChange) -> Text:
    path = printable(change.path)
    if change.before is None:
        return Text(f"  + {path}: {printable(change.after or '')}\n", style="green")
    if change.after is None:
        return Text(f"  - {path}: {printable(change.before)}\n", style="red")
    return Text(f"  ~ {path}: {printable(change.before)} → {printable(change.after)}\n", style="yellow")
