"""Upstream's files as this target gets them: locked and published live, stand-ins from the mirror in the lab."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from provision.catalog import load_catalog, release_id
from provision.catalog.loader import ROLES, name_release
from provision.catalog.node_artifacts import load_artifacts
from provision.lab import bundles
from provision.lab.places import stand_in_recipe
from provision.models.artifact import NodeArtifact
from provision.models.catalog import Catalog
from provision.models.inventory import ServiceArtifact
from provision.models.lab import BuiltBundle
from provision.models.plan import Plan
from provision.pipeline.lock import overlay_file
from provision.pipeline.stages import StageClock

NEEDS = "NEEDS"
"""A stand-in's file that names the roles whose releases its recipe gets as "$INPUTS/<role>.tar.zst"."""


def target_catalog(*, lab: bool) -> Catalog:
    """The catalogue whose releases are made of the user's own pins, and in the lab of stand-ins.

    Raises SetupError for a lock that is refused, or a stand-in that is missing.
    """
    catalog, locked = load_catalog(), load_artifacts(overlay_file())
    used = {name for service in catalog.services.values() for name in service.artifacts}
    stand_ins = {name: _stand_in_id(name, catalog) for name in sorted(used)} if lab else None
    services = {name: name_release(entry, ROLES, locked, stand_ins) for name, entry in catalog.services.items()}
    if lab:
        services |= {
            name: entry.model_copy(update={"stand_in": True}) for name, entry in services.items() if entry.images
        }
    return catalog.model_copy(update={"services": services})


def published_artifacts(plan: Plan, overlay: Path | None) -> tuple[ServiceArtifact, ...]:
    """As machines of a live target fetch them. `overlay`: the user's lock.json, None leaves it out."""
    return tuple(
        ServiceArtifact(name=found.name, file=found.file, url=locate(plan, found), sha256=found.checksum.hex or "")
        for found in locked_of(plan, overlay)
    )


def locate(plan: Plan, locked: NodeArtifact) -> str:
    """Where the plan's machines fetch a pinned file: at upstream, or by its sha256 at the mirror that is named."""
    return f"{plan.artifact_mirror}/sha256/{locked.checksum.hex}" if plan.artifact_mirror else locked.url


def stand_in_artifacts(plan: Plan, mirror: str, clock: StageClock) -> tuple[ServiceArtifact, ...]:
    """What the lab's mirror serves in their place, built once and cached."""
    artifacts = []
    for locked in locked_of(plan, overlay_file()):
        bundle = _build_stand_in(locked.name, clock)
        url = f"{mirror}/sha256/{bundle.sha256}"
        artifacts.append(ServiceArtifact(name=locked.name, file=locked.file, url=url, sha256=bundle.sha256))
    return tuple(artifacts)


def locked_of(plan: Plan, overlay: Path | None) -> tuple[NodeArtifact, ...]:
    """Upstream's files that the plan's services are unpacked from, each once."""
    locked = load_artifacts(overlay)
    names = dict.fromkeys(name for service in plan.services for name in service.artifacts)
    return tuple(locked[name] for name in names)


def _build_stand_in(name: str, clock: StageClock) -> BuiltBundle:
    inputs = {}
    for role in _needs(name):
        recipe = ROLES / role / "files" / "recipe"
        release = release_id(recipe)
        destination = f"/opt/{role.replace('_', '-')}/releases/{release}"
        inputs[f"{role}.tar.zst"] = bundles.ensure_bundle(recipe, release, destination, clock.note).path
    release = _stand_in_id(name, load_catalog())
    return bundles.ensure_bundle(stand_in_recipe(name), release, "/opt/stand-in", clock.note, inputs)


def _stand_in_id(name: str, catalog: Catalog) -> str:
    needed = "".join(catalog.services[role].release or "" for role in _needs(name))
    return f"{name}-{release_id(stand_in_recipe(name), sha256(needed.encode()).hexdigest()[:8] if needed else '')}"


def _needs(name: str) -> list[str]:
    needs: Path = stand_in_recipe(name) / NEEDS
    return needs.read_text().split() if needs.is_file() else []
