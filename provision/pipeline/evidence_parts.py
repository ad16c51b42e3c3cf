"""What a stack is made of, as the locks of the checkout and the user's own pins have it."""

from __future__ import annotations

from pathlib import Path

from provision.catalog.dates import find_lookup_date
from provision.catalog.images import load_images
from provision.catalog.loader import load_catalog
from provision.catalog.node_artifacts import load_artifacts
from provision.models.artifact import NodeArtifact
from provision.models.catalog import Artifact, Catalog
from provision.models.image import ContainerImage
from provision.models.plan import Plan
from provision.papers.locked_packages import LockFile, read_lock
from provision.places import REPOSITORY, overlay_file

_DRIVER = "nvidia-driver"
_SOURCE = "llama-cpp-source"


def gather_catalog() -> tuple[Catalog, str]:
    """The catalogue and when its licences of models were looked up."""
    return load_catalog(), find_lookup_date()


def gather_files(plan: Plan, catalog: Catalog) -> dict[str, Artifact | NodeArtifact]:
    """Every pinned file that the plan's machines fetched, by name. The lab's stand-ins are no files of upstream."""
    locked = load_artifacts(overlay_file())
    known: dict[str, Artifact | NodeArtifact] = {**catalog.artifacts, **locked}
    if plan.target == "lab":
        known |= catalog.artifacts  # its models come from a package index
    names = [engine.model_file for engine in plan.engines]
    names += [name for service in plan.services if not service.stand_in for name in service.artifacts]
    if any(service.name == "llama_cpp" for service in plan.services):
        names.append(_SOURCE)
    if any(not card.simulated for card in plan.cards):
        names.append(_DRIVER)
    if plan.proxmox is not None and plan.target == "live":
        names += [name for name, entry in locked.items() if entry.file == plan.proxmox.template]
    return {name: known[name] for name in dict.fromkeys(names) if name in known}


def gather_images(plan: Plan) -> dict[str, ContainerImage]:
    """Those that really run: a stand-in runs none."""
    names = {name for service in plan.services if not service.stand_in for name in service.images}
    return {name: image for name, image in load_images().items() if name in names} if names else {}


def gather_locks(plan: Plan, catalog: Catalog, roles: Path, *, decision_layer: bool) -> tuple[LockFile, ...]:
    """Of provision itself, of the decision layer where it is part of the evidence, and of each planned release."""
    found = [("provision", REPOSITORY / "uv.lock")]
    if decision_layer:
        found.append(("decision-layer", REPOSITORY / "decision_layer" / "uv.lock"))
    for service in {service.name: service for service in plan.services if service.release}.values():
        recipe = roles / catalog.services[service.name].role / "files" / "recipe"
        variant = "cuda" if service.release and service.release.endswith("-cuda") else "cpu"
        names = (
            "requirements.txt",
            "package-lock.json",
            f"{variant}-requirements.txt" if service.name == "vllm" else "",
        )
        found += [(service.name, recipe / name) for name in names if name and (recipe / name).is_file()]
    return tuple(read_lock(part, path, REPOSITORY) for part, path in found)
