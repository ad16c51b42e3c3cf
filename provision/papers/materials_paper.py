"""Paper (f): the bill of materials for people; the whole of it is the CycloneDX file beside it."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.catalog import Artifact
from provision.models.papers import Paper, Row, Section
from provision.papers.facts import Facts, filled, row

BOM_FILE = "bom.cdx.json"


def build_materials(facts: Facts) -> Paper:
    packages = sum(len(lock.packages) for lock in facts.locks)
    return Paper(
        name="6-bill-of-materials",
        title="Model and software bill of materials",
        purpose=f"What the stack is made of, by version and checksum. All {packages} locked packages stand in"
        f" {BOM_FILE} (CycloneDX 1.6, held against its schema before it was written).",
        sections=(
            Section(title="Models", columns=("Model", "Version", "Checksum"), rows=tuple(_models(facts))),
            Section(
                title="Files of upstream", columns=("File", "Version", "Checksum"), rows=filled(facts, _files(facts), 3)
            ),
            Section(
                title="Container images", columns=("Image", "Tag", "Digest"), rows=filled(facts, _images(facts), 3)
            ),
            Section(title="Services", columns=("Service", "Machine", "Release"), rows=tuple(_services(facts))),
            Section(title="Locked packages", columns=("Part", "Lock", "Packages"), rows=tuple(_locks(facts))),
        ),
    )


def _models(facts: Facts) -> Iterator[Row]:
    for name in dict.fromkeys(engine.model_file for engine in facts.plan.engines):
        engine = next(engine for engine in facts.plan.engines if engine.model_file == name)
        file = facts.files.get(name)
        if file is None:
            yield row(
                "decide",
                facts.running(engine),
                "not pinned",
                "none: whoever approves the model notes its revision and hash",
                source=facts.of_plan(f"engines.{engine.name}.model_file"),
            )
            continue
        yield row(
            "recorded",
            facts.running(engine),
            file.version,
            _sum(file),
            source=facts.of_file(f"{_lock_of(file)}, {name}"),
        )


def _files(facts: Facts) -> Iterator[Row]:
    models = {engine.model_file for engine in facts.plan.engines}
    for name, file in facts.files.items():
        if name not in models:
            yield row("recorded", name, file.version, _sum(file), source=facts.of_file(f"{_lock_of(file)}, {name}"))


def _sum(file: Artifact | object) -> str:
    if isinstance(file, Artifact):
        return f"sha256 {file.sha256 or 'not pinned'}"
    checksum = file.checksum  # type: ignore[attr-defined]
    return f"{checksum.algorithm} {checksum.hex or 'not pinned'}"


def _lock_of(file: object) -> str:
    return "provision/catalog/data/artifacts.yml" if isinstance(file, Artifact) else "provision lock"


def _images(facts: Facts) -> Iterator[Row]:
    for name, image in facts.images.items():
        yield row(
            "recorded",
            image.repository,
            image.tag,
            image.digest or "not pinned",
            source=facts.of_file(f"provision/catalog/data/images.yml, {name}"),
        )


def _services(facts: Facts) -> Iterator[Row]:
    """Planned releases; the receipt says whether they really run."""
    checked = [check for check in facts.signed.receipt.checks if check.id == "releases"]
    good = bool(checked) and all(check.status == "passed" for check in checked)
    for service in facts.plan.services:
        release = service.release or "package of the distribution"
        if service.release and good:
            yield row("measured", service.name, service.machine, release, source=facts.of_receipt("checks releases"))
        else:
            yield row(
                "planned", service.name, service.machine, release, source=facts.of_plan(f"services.{service.name}")
            )


def _locks(facts: Facts) -> Iterator[Row]:
    for lock in facts.locks:
        yield row("recorded", lock.part, lock.path, str(len(lock.packages)), source=facts.of_file(lock.path))
