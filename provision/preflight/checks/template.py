"""Is the container template there?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import Check, Evidence, Problem

WANTED = "debian-12-standard"
"""What the roles are written for; its file ends in a version that changes with every point release."""


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if not any(machine.kind == "lxc" for machine in evidence.missing_guests):
        return
    if node.templates is None:
        yield evidence.unknown("templates", "which container templates there are")
        return
    storage = next((s.name for s in node.storages or () if s.active and s.vztmpl), None)
    if storage is None:
        yield Problem(
            "no active storage takes container templates",
            "tick 'Guest template' for a storage: Datacenter > Storage > Edit > Content",
            where="pvesm status --content vztmpl",
        )
    elif not any(f"/{WANTED}_" in template for template in node.templates):
        yield Problem(
            f"there is no template {WANTED}",
            f"pveam update && pveam available --section system | grep {WANTED}, then pveam download {storage} NAME",
            where=f"pveam list {storage}",
        )


CHECK = Check(
    id="template",
    asks="A storage for templates is active and holds debian-12-standard, where guests are to be made.",
    why="A container is made from it.",
    judge=judge,
    mended=True,
)
