"""The lock of upstream's files, and what an update found, as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.artifact import LockChange, Mirrored, NodeArtifact
from provision.models.image import ContainerImage
from provision.ui.plan_table import new_table
from provision.ui.printable import printable, safe

_SHOWN = 12
"""Digits of a checksum that are enough to tell two apart; --json has all."""


def render_lock(artifacts: Iterable[NodeArtifact]) -> RenderableType:
    table = new_table("Pinned files of upstream")
    table.add_column("name", max_width=18, overflow="fold")
    for head in ("version", "status"):
        table.add_column(head, overflow="fold")
    table.add_column("checksum", overflow="fold", max_width=15)
    table.add_column("signed")
    table.add_column("source", overflow="fold", min_width=24)
    unresolved = []
    for artifact in artifacts:
        resolved = artifact.status == "resolved"
        if not resolved:
            unresolved.append(artifact.name)
        table.add_row(
            safe(artifact.name, "bold"),
            safe(_shorten_revision(artifact.version)),
            Text(artifact.status, style="green" if resolved else "bold red"),
            _shorten(artifact.checksum.algorithm, artifact.checksum.hex),
            artifact.signature.kind if artifact.signature else "-",
            safe(_name_source(artifact)),
        )
    if not unresolved:
        return table
    return Group(table, Text(f"Not pinned: {printable(', '.join(unresolved))}. Next: provision lock --update"))


def render_images(images: Iterable[ContainerImage]) -> RenderableType:
    table = new_table("Pinned container images")
    for head in ("name", "tag", "status", "digest", "source"):
        table.add_column(head, overflow="fold")
    for image in images:
        pinned = image.status == "resolved"
        table.add_row(
            safe(image.name, "bold"),
            safe(image.tag),
            Text(image.status, style="green" if pinned else "bold red"),
            _shorten("sha256", image.digest.removeprefix("sha256:") if image.digest else None),
            safe(image.sources[0] if image.sources else f"to be had at {image.repository}"),
        )
    return table


def render_changes(changes: Iterable[LockChange], lock: str) -> RenderableType:
    """`lock`: the file that the outcome was written to."""
    table = new_table("Compared with upstream")
    for head in ("name", "version", "outcome", "pinned before", "published and served", "bytes", "of", "signature"):
        table.add_column(head, no_wrap=head not in {"version", "signature"})
    for change in changes:
        moved = change.version_before != change.version
        table.add_row(
            safe(change.name, "bold"),
            safe(f"{change.version_before} → {change.version}" if moved else change.version),
            Text(change.outcome, style="green" if change.outcome == "confirmed" else "yellow"),
            _shorten(change.algorithm, change.before),
            _shorten(change.algorithm, change.after),
            str(change.size_bytes),
            str(change.published or "-"),
            Text(printable(change.signature), style="green" if change.signature == "verified" else "yellow"),
        )
    return Group(table, Text(f"Written: {printable(lock)}"))


def render_mirrored(files: Iterable[Mirrored]) -> RenderableType:
    table = new_table("Mirrored files")
    for head in ("file", "outcome", "sha256", "MiB"):
        table.add_column(head, justify="right" if head == "MiB" else "left", overflow="fold")
    for file in files:
        size = f"{file.size_bytes / 2**20:.1f}" if file.size_bytes is not None else "-"
        style = "bold red" if file.outcome == "missing" else "green"
        table.add_row(safe(file.name, "bold"), Text(file.outcome, style=style), _digest(file.sha256), size)
    return table


def _shorten_revision(version: str) -> str:
    """A revision of the hub is 40 hexadecimal digits; --json has all."""
    return f"{version[:_SHOWN]}…" if re.fullmatch("[0-9a-f]{40}", version) else version


def _digest(sha256: str | None) -> str:
    return f"{sha256[:_SHOWN]}…" if sha256 else "-"


def _name_source(artifact: NodeArtifact) -> str:
    """A source begins with the name of the repository or page that publishes the checksum."""
    if not artifact.sources:
        return f"to be had at {artifact.resolve.url}"
    more = len(artifact.sources) - 1
    if "/" not in artifact.sources[0].split()[0]:
        return f"{more + 1} public texts that agree"
    return artifact.sources[0].split()[0] + (f" and {more} more" if more else "")


def _shorten(algorithm: str, digest: str | None) -> str:
    return f"{algorithm}:{digest[:_SHOWN]}…" if digest else "-"
