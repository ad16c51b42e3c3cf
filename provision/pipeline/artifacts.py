"""What the machines will fetch: releases built once in the lab, and model files, all known by sha256."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from provision.catalog import load_catalog
from provision.lab import bundles, small_model
from provision.models.inventory import Bundle, ModelFile
from provision.models.plan import Plan
from provision.pipeline.stages import StageClock
from provision.places import find_content

MIRROR_PORT = 8099
"""The artifact mirror listens on the lab's gateway address, for the time of a run."""


def mirror_url(gateway: IPv4Address) -> str:
    return f"http://{gateway}:{MIRROR_PORT}"


def build_bundles(plan: Plan, clock: StageClock) -> tuple[Bundle, ...]:
    """Every release that the plan names, from the cache or built in a builder guest."""
    services = load_catalog().services
    built = []
    for service in plan.services:
        if service.release is None:
            continue
        role = services[service.name].role
        recipe = find_content("roles") / role / "files" / "recipe"
        folder = service.name.replace("_", "-")
        destination = f"/opt/{folder}/releases/{service.release}"
        bundle = bundles.ensure_bundle(recipe, service.release, destination, clock.note)
        url = f"{mirror_url(plan.gateway)}/sha256/{bundle.sha256}"
        built.append(Bundle(release=service.release, url=url, sha256=bundle.sha256))
    return tuple(built)


def fetch_models(plan: Plan) -> tuple[ModelFile, ...]:
    """The small real model of the lab, as the mirror serves it."""
    files = {}
    for engine in plan.engines:
        model: Path = small_model.ensure_small_model()
        files[engine.model_file] = ModelFile(
            file=engine.model_file,
            url=f"{mirror_url(plan.gateway)}/sha256/{model.name}",
            sha256=model.name,
            size_mib=model.stat().st_size // 2**20,
        )
    return tuple(files.values())
