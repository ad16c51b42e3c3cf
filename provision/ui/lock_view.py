"""The lock of what a node needs, and what an update found, as tables."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.artifact import LockChange, NodeArtifact
from provision.ui.plan_table import new_table
from provision.ui.printable import printable, safe

_SHOWN = 12
"""Digits of a checksum that are enough to tell two apart; --json has all."""


def render_lock(artifacts: Iterable[NodeArtifact]) -> RenderableType:
    table = new_table("Pinned files of a Proxmox node")
    for head in ("name", "version", "status", "checksum"):
        table.add_column(head, no_wrap=True)
    table.add_column("source")
    unresolved = []
    for artifact in artifacts:
        resolved = artifact.status == "resolved"
        if not resolved:
            unresolved.append(artifact.name)
        table.add_row(
            safe(artifact.name, "bold"),
            safe(artifact.version),
            Text(artifact.status, style="green" if resolved else "bold red"),
            _shorten(artifact.checksum.algorithm, artifact.checksum.hex),
            safe(_name_source(artifact)),
        )
    if not unresolved:
        return table
    return Group(table, Text(f"Not pinned: {printable(', '.join(unresolved))}. Next: provision lock --update"))


def render_changes(changes: Iterable[LockChange], lock: str) -> RenderableType:
    """`lock`: the file that the outcome was written to."""
    table = new_table("Compared with upstream")
    for head in ("name", "version", "outcome", "pinned before", "published and served", "bytes"):
        table.add_column(head, no_wrap=head != "version")
    for change in changes:
        moved = change.version_before != change.version
        table.add_row(
            safe(change.name, "bold"),
            safe(f"{change.version_before} → {change.version}" if moved else change.version),
            Text(change.outcome, style="green" if change.outcome == "confirmed" else "yellow"),
            _shorten(change.algorithm, change.before),
            _shorten(change.algorithm, change.after),
            str(change.size_bytes),
        )
    return Group(table, Text(f"Written: {printable(lock)}"))


def _name_source(artifact: NodeArtifact) -> str:
    """A source begins with the name of the repository or page that publishes the checksum."""
    if not artifact.sources:
        return f"to be had at {artifact.resolve.url}"
    more = len(artifact.sources) - 1
    return artifact.sources[0].split()[0] + (f" and {more} more" if more else "")


def _shorten(algorithm: str, digest: str | None) -> str:
    return f"{algorithm}:{digest[:_SHOWN]}…" if digest else "-"
