"""What the machines will fetch, each known by its sha256: from upstream, from a mirror, in the lab from its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from math import ceil
from pathlib import Path

from provision.catalog import load_catalog
from provision.catalog.images import require_resolved_image
from provision.catalog.node_artifacts import CHECKPOINTS, load_artifacts, require_resolved
from provision.errors import ErrorGroup, PlanError, ProvisionError, SetupError
from provision.lab import bundles, small_model, tiny_checkpoint
from provision.models.artifact import NodeArtifact
from provision.models.inventory import Bundle, InventoryInput, ModelFile
from provision.models.lab import BuiltBundle
from provision.models.plan import EngineInstance, Plan, build_environment
from provision.models.system import PROVEN
from provision.pipeline.container_images import images_of, published_images, stand_in_images
from provision.pipeline.lock import overlay_file
from provision.pipeline.service_files import locate, locked_of, published_artifacts, stand_in_artifacts
from provision.pipeline.stages import StageClock
from provision.places import find_content

MIRROR_PORT = 8099
"""The artifact mirror listens on the lab's gateway address, for the time of a run."""


def mirror_url(gateway: IPv4Address) -> str:
    return f"http://{gateway}:{MIRROR_PORT}"


def require_pinned(plan: Plan) -> None:
    """Raises ErrorGroup naming every file and image of a live plan that nobody has pinned: it must not be fetched."""
    if plan.target != "live":
        return
    errors: list[ProvisionError] = []
    models = model_locks(plan, overlay_file())
    errors += [_explain_unknown(plan, file) for file, locked in models.items() if locked is None]
    for artifact in (*locked_of(plan, overlay_file()), *filter(None, models.values())):
        try:
            require_resolved(artifact)
        except SetupError as error:
            errors.append(error)
    for image in images_of(plan):
        try:
            require_resolved_image(image)
        except SetupError as error:
            errors.append(error)
    if errors:
        raise ErrorGroup(errors)


def _explain_unknown(plan: Plan, file: str) -> PlanError:
    engine = next(engine for engine in plan.engines if engine.model_file == file)
    names = load_artifacts(overlay_file())
    if engine.vllm is None:
        known, kind = [name for name in names if name.endswith(".gguf")], "model-files.yml"
    else:
        known, kind = list(dict.fromkeys(name.partition("/")[0] for name in names if "/" in name)), CHECKPOINTS
    return PlanError(
        f"the file of '{engine.name}' ({engine.model} in {engine.quant}) is not pinned, so it cannot be fetched",
        where=f"engines.{engine.name}",
        hint=f"choose one of {', '.join(known)}, or add {file} to provision/catalog/data/{kind}",
    )


def gather_artifacts(plan: Plan, clock: StageClock) -> InventoryInput:
    """All of the plan, without the node's own. In the lab, what is not in the cache is built first."""
    if plan.target == "live":
        ready = cached_bundles(plan, plan.artifact_mirror) if plan.artifact_mirror else ()
        given = published_files(plan, overlay_file())
        return given.model_copy(update={"bundles": ready, "mirror": plan.artifact_mirror or ""})
    mirror = mirror_url(plan.gateway)
    return InventoryInput(
        bundles=build_bundles(plan, mirror, clock),
        artifacts=stand_in_artifacts(plan, mirror, clock),
        images=stand_in_images(plan, mirror, clock),
        model_files=small_models(plan, mirror),
        mirror=mirror,
    )


def published_files(plan: Plan, overlay: Path | None) -> InventoryInput:
    """Upstream's files as a live target fetches them. `overlay`: the user's lock.json, None leaves it out."""
    return InventoryInput(
        artifacts=published_artifacts(plan, overlay),
        images=published_images(plan),
        model_files=published_models(plan, overlay),
    )


def build_bundles(plan: Plan, mirror: str, clock: StageClock) -> tuple[Bundle, ...]:
    """Every release that the plan names, from the cache or built in a builder guest; of a held one only the former,
    since the recipe that made it is not at hand."""
    built = [_serve(bundle, mirror) for bundle in _held_bundles(plan)]
    for role, release in list_recipes(plan):
        bundle = ensure_release(role, release, clock.note)
        built.append(_serve(bundle, mirror))
    return tuple(built)


def ensure_release(role: str, release: str, note: Callable[[str], None]) -> BuiltBundle:
    """The bundle of a role's release, from the cache or built in a builder guest."""
    recipe = find_content("roles") / role / "files" / "recipe"
    destination = f"/opt/{role.replace('_', '-')}/releases/{release}"
    return bundles.ensure_bundle(recipe, release, destination, note, environment=build_environment(role, release))


def cached_bundles(plan: Plan, mirror: str) -> tuple[Bundle, ...]:
    """Those of the plan's releases that lie ready-built in this machine's cache, which the mirror is synced from. They
    are built in guests, whose system they are for; another one builds its own."""
    if plan.system != PROVEN:
        return ()
    found = [bundles.read_bundle(release) for _, release in list_recipes(plan)]
    return tuple(_serve(bundle, mirror) for bundle in (*_held_bundles(plan), *filter(None, found)))


def _held_bundles(plan: Plan) -> tuple[BuiltBundle, ...]:
    held = [bundles.read_bundle(service.release) for service in plan.services if service.held and service.release]
    return tuple(filter(None, held))


def _serve(bundle: BuiltBundle, mirror: str) -> Bundle:
    return Bundle(release=bundle.release_id, url=f"{mirror}/sha256/{bundle.sha256}", sha256=bundle.sha256)


def list_recipes(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Role and release id of every service that is built from a recipe; upstream's archives are unpacked by each
    machine itself."""
    services = load_catalog().services
    built = [service for service in plan.services if service.release and not (service.artifacts or service.held)]
    return tuple(dict.fromkeys((services[service.name].role, service.release or "") for service in built))


def model_locks(plan: Plan, overlay: Path | None) -> dict[str, NodeArtifact | None]:
    """The pinned file of every model file of the plan; None where the lock does not know one."""
    locked = load_artifacts(overlay)
    return {name: locked.get(name) for engine in plan.engines for name in _files_of(engine, locked)}


def _files_of(engine: EngineInstance, locked: Iterable[str]) -> list[str]:
    """A GGUF is one file; a checkpoint for vLLM a folder, whose files are pinned as FOLDER/NAME."""
    if engine.vllm is None:
        return [engine.model_file]
    return sorted(name for name in locked if name.startswith(f"{engine.model_file}/")) or [engine.model_file]


def published_models(plan: Plan, overlay: Path | None) -> tuple[ModelFile, ...]:
    """As machines of a live target fetch them; a model file that is not pinned is left out (`require_pinned`)."""
    files = []
    for name, locked in model_locks(plan, overlay).items():
        if locked and locked.checksum.hex:
            sha256 = locked.checksum.hex
            size = ceil((locked.size_bytes or 0) / 2**20)
            files.append(ModelFile(file=name, url=locate(plan, locked), sha256=sha256, size_mib=size))
    return tuple(files)


def small_models(plan: Plan, mirror: str) -> tuple[ModelFile, ...]:
    """The small real models of the lab, as the mirror serves them."""
    files: dict[str, Path] = {}
    for engine in plan.engines:
        if engine.vllm is not None:
            made = tiny_checkpoint.ensure_tiny_checkpoint()
            files |= {f"{engine.model_file}/{name}": path for name, path in made.items()}
        else:
            files[engine.model_file] = small_model.ensure_small_model()
    return tuple(
        ModelFile(
            file=name,
            url=f"{mirror}/sha256/{path.name}",
            sha256=path.name,
            size_mib=path.stat().st_size // 2**20,
        )
        for name, path in files.items()
    )
