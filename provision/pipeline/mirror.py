"""`provision mirror`: this machine's cache as the place that others fetch from, by sha256."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from provision.errors import ProvisionError, SetupError
from provision.lab import bundles
from provision.lab.mirror import find_content, serve_mirror
from provision.models.artifact import Mirrored, NodeArtifact
from provision.models.image import ContainerImage
from provision.models.plan import Plan
from provision.pipeline.artifacts import ensure_release, list_recipes, model_locks, require_pinned
from provision.pipeline.container_images import images_of
from provision.pipeline.fetching import fetch_file, hash_file
from provision.pipeline.image_archives import ensure_image, find_image
from provision.pipeline.lock import list_locked, overlay_file
from provision.pipeline.node_files import DRIVER
from provision.pipeline.options import Options, Report
from provision.pipeline.planning import make_plan
from provision.pipeline.service_files import locked_of
from provision.pipeline.stages import StageClock
from provision.places import find_cache


class Sync(NamedTuple):
    files: tuple[Mirrored, ...]
    errors: tuple[ProvisionError, ...]


def sync_mirror(options: Options, report: Report) -> Sync:
    """Fetch or build into the cache what the machines of a live profile will fetch. What is there is kept.

    Raises ErrorGroup of PlanError or SetupError where the plan is impossible or a file is not pinned; what could
    not be fetched comes back as errors, beside all that could.
    """
    clock = StageClock(report)
    with clock.stage("plan"):
        plan = make_plan(options.model_copy(update={"lab": False})).plan
        require_pinned(plan)
    files, errors = list[Mirrored](), list[ProvisionError]()

    def collect(name: str, have: Callable[[], Mirrored]) -> None:
        try:
            files.append(have())
        except ProvisionError as error:
            errors.append(error)
            files.append(Mirrored(name=name, sha256=None, size_bytes=None, outcome="missing"))

    with clock.stage("files"):
        for artifact in _upstream(plan):
            collect(artifact.file, partial(fetch_pinned, artifact, clock.note))
    with clock.stage("images"):
        for image in images_of(plan):
            collect(f"{image.name} {image.tag}", partial(_archive, image, clock.note))
    with clock.stage("releases"):
        for role, release in list_recipes(plan):
            collect(release, partial(_build, role, release, clock.note))
    return Sync(tuple(files), tuple(errors))


def serve(address: str, port: int, ready: Callable[[str, int], None]) -> None:
    """Serve the cache until the process is told to end; `ready` hears the address and the number of files.

    Raises SetupError where the address or port cannot be had.
    """
    with serve_mirror(find_cache(), address, port) as url:
        ready(url, sum(1 for _ in _served(find_cache())))
        while True:
            time.sleep(3600)


def _upstream(plan: Plan) -> Iterator[NodeArtifact]:
    yield from locked_of(plan, overlay_file())
    yield from filter(None, model_locks(plan, overlay_file()).values())
    if plan.cards:
        yield from list_locked(DRIVER)


def fetch_pinned(artifact: NodeArtifact, note: Callable[[str], None]) -> Mirrored:
    """One file of upstream into the cache; one that is there is read, and fetched anew where it was damaged."""
    sha256 = artifact.checksum.hex
    if artifact.checksum.algorithm != "sha256" or sha256 is None:
        raise SetupError(
            f"{artifact.file} is not pinned by a sha256", where=artifact.url, hint="run provision lock --update"
        )
    present = find_content(find_cache(), sha256)
    if present is not None and hash_file(present, "sha256") != sha256:
        note(f"{artifact.file} was damaged on this disk: it is fetched anew")
        present.unlink()
        present = None
    target = present or find_cache() / "downloads" / sha256
    if present is None:
        note(f"fetching {artifact.file}")
        fetch_file(artifact.url, artifact.checksum, target, note)
    size = target.stat().st_size
    return Mirrored(name=artifact.file, sha256=sha256, size_bytes=size, outcome="present" if present else "fetched")


def _build(role: str, release: str, note: Callable[[str], None]) -> Mirrored:
    present = bundles.read_bundle(release) is not None
    bundle = ensure_release(role, release, note)
    outcome: Literal["present", "built"] = "present" if present else "built"
    return Mirrored(name=release, sha256=bundle.sha256, size_bytes=bundle.size_bytes, outcome=outcome)


def _archive(image: ContainerImage, note: Callable[[str], None]) -> Mirrored:
    present = find_image(image) is not None
    archive = ensure_image(image, note)
    outcome: Literal["present", "fetched"] = "present" if present else "fetched"
    name = f"{image.name} {image.tag}"
    return Mirrored(name=name, sha256=archive.sha256, size_bytes=archive.size_bytes, outcome=outcome)


def _served(cache: Path) -> Iterator[Path]:
    yield from (path for path in (cache / "downloads").glob("*") if len(path.name) == 64)
    yield from (cache / "bundles").glob("*.tar.zst")
