"""Container images as this target gets them: by digest from their registries or from the mirror live, in the lab from
one archive of stand-ins, since no registry can be reached there."""

from __future__ import annotations

from provision.catalog import release_id
from provision.catalog.images import load_images
from provision.lab import bundles
from provision.lab.places import stand_in_recipe
from provision.models.image import ContainerImage
from provision.models.inventory import ServiceImage
from provision.models.lab import BuiltBundle
from provision.models.plan import Plan
from provision.pipeline.image_archives import mirrored_image
from provision.pipeline.stages import StageClock

STAND_INS = "langfuse-images"
"""The recipe whose archive holds a stand-in of every image that a service of the catalogue runs from."""


def images_of(plan: Plan) -> tuple[ContainerImage, ...]:
    """Those that the plan's services run from, each once."""
    known = load_images()
    return tuple(known[name] for name in dict.fromkeys(n for service in plan.services for n in service.images))


def published_images(plan: Plan) -> tuple[ServiceImage, ...]:
    """As machines of a live target get them; one that is not pinned is left out (`require_pinned`)."""
    pinned = [image for image in images_of(plan) if image.digest]
    if plan.artifact_mirror:
        return tuple(mirrored_image(image, plan.artifact_mirror) for image in pinned)
    return tuple(ServiceImage(name=image.name, reference=image.reference) for image in pinned)


def stand_in_images(plan: Plan, mirror: str, clock: StageClock) -> tuple[ServiceImage, ...]:
    """What the lab's mirror serves in their place, built once and cached; none where the plan needs no image."""
    wanted = images_of(plan)
    if not wanted:
        return ()
    bundle = build_stand_ins(clock)
    url = f"{mirror}/sha256/{bundle.sha256}"
    return tuple(
        ServiceImage(name=image.name, reference=name_stand_in(image), url=url, sha256=bundle.sha256) for image in wanted
    )


def build_stand_ins(clock: StageClock) -> BuiltBundle:
    """The archive that `docker load` reads, packed as every bundle is."""
    recipe = stand_in_recipe(STAND_INS)
    release = release_id(recipe)
    told = {"STAND_IN_TAG": release}
    return bundles.ensure_bundle(recipe, f"{STAND_INS}-{release}", "/opt/stand-in", clock.note, environment=told)


def name_stand_in(image: ContainerImage) -> str:
    """The stand-in's own name, which no registry has; another recipe makes another tag."""
    return f"provision-stand-in/{image.name}:{release_id(stand_in_recipe(STAND_INS))}"
