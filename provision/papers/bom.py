"""The bill of materials: CycloneDX 1.6 as JSON, with models as components of their own, held against its schema.

Format: https://cyclonedx.org/docs/1.6/json/. The schema is the one that cyclonedx-python-lib carries; that library has
no class for a model card (its issue 912), so the document is made here and only validated with what it brings.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from provision.errors import SetupError
from provision.models.catalog import Artifact, ModelEntry
from provision.models.plan import EngineInstance
from provision.papers.facts import Facts

type Part = dict[str, Any]
_SCHEMAS = ("bom-1.6", "spdx", "jsf-0.82")
_ALGORITHMS = {"sha256": "SHA-256", "sha512": "SHA-512"}
_NAMESPACE = uuid.UUID("6f6b4f0e-6f43-5d0c-9c1e-2f0a0c0b6b1d")
"""Of our own serial numbers: the same stack, receipt and moment give the same one."""


def build_bom(facts: Facts) -> Part:
    """The whole document. Hashes, licences and versions stand as the locks have them; what those lack is left out."""
    receipt = facts.signed.receipt
    root = f"stack:{receipt.client}"
    parts = [*_models(facts), *_files(facts), *_images(facts), *_services(facts)]
    packages, needs = _packages(facts)
    made = facts.made.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(_NAMESPACE, f"{receipt.id} {receipt.plan_sha256} {made}").urn,
        "version": 1,
        "metadata": {
            "timestamp": made,
            "tools": {"components": [{"type": "application", "name": "provision", "version": facts.version}]},
            "component": {"type": "platform", "bom-ref": root, "name": f"{receipt.client}-{receipt.profile}"},
            "properties": [
                {"name": "provision:receipt", "value": receipt.id},
                {"name": "provision:plan-sha256", "value": receipt.plan_sha256},
                {"name": "provision:simulated", "value": str(receipt.simulated).lower()},
            ],
        },
        "components": parts + packages,
        "dependencies": [{"ref": root, "dependsOn": [part["bom-ref"] for part in parts]}, *needs],
    }


def _models(facts: Facts) -> Iterator[Part]:
    """Each file that an engine loads, once, with a card of what the catalogue knows of the model."""
    seen: set[str] = set()
    for engine in facts.plan.engines:
        if engine.model_file in seen:
            continue
        seen.add(engine.model_file)
        entry, file = facts.models.get(engine.model), facts.files.get(engine.model_file)
        part: Part = {
            "type": "machine-learning-model",
            "bom-ref": f"model:{engine.model_file}",
            "name": entry.name if entry else engine.model,
            "version": file.version if file else "unpinned",
            "properties": list(_of_engine(engine)),
        }
        if entry:
            part |= {"modelCard": _card(entry), "licenses": [_licence(file.licence if file else entry.licence)]}
        if file:
            checked = _checked(file)
            checked["properties"] += part["properties"]
            part |= checked
        yield part


def _of_engine(engine: EngineInstance) -> Iterator[Part]:
    yield {"name": "provision:file", "value": engine.model_file}
    yield {"name": "provision:quantisation", "value": engine.quant}
    yield {"name": "provision:engine", "value": f"{engine.service} on {engine.machine}"}
    if engine.simulated:
        yield {"name": "provision:stands-for", "value": engine.wanted_model}


def _card(entry: ModelEntry) -> Part:
    """Only what the catalogue has a source for; considerations that it does not know are left out."""
    task = "text-embedding" if entry.architecture.encoder else "text-generation"
    return {
        "modelParameters": {
            "task": task,
            "architectureFamily": entry.architecture.family,
            "modelArchitecture": entry.name,
        },
        "properties": [
            {"name": "provision:parameters-billion", "value": str(entry.parameters_b)},
            {"name": "provision:repository", "value": entry.hf_repo or "none known"},
            *({"name": f"provision:licence-{f.severity}", "value": f"{f.what} ({f.source})"} for f in entry.findings),
        ],
    }


def _files(facts: Facts) -> Iterator[Part]:
    """Fetched files that are no models: upstream's archives, sources, drivers."""
    models = {engine.model_file for engine in facts.plan.engines}
    for name, file in facts.files.items():
        if name not in models:
            part: Part = {"type": "file", "bom-ref": f"file:{name}", "name": name, "version": file.version}
            yield part | {"licenses": [_licence(file.licence)]} | _checked(file)


def _images(facts: Facts) -> Iterator[Part]:
    for name, image in facts.images.items():
        part: Part = {
            "type": "container",
            "bom-ref": f"image:{name}",
            "name": image.repository,
            "version": image.tag,
            "licenses": [_licence(image.licence)],
        }
        if image.digest:
            part["hashes"] = [{"alg": "SHA-256", "content": image.digest.removeprefix("sha256:")}]
        yield part


def _services(facts: Facts) -> Iterator[Part]:
    for service in facts.plan.services:
        terms = facts.terms.get(service.name)
        part: Part = {
            "type": "application",
            "bom-ref": f"service:{service.machine}/{service.name}",
            "name": service.name,
            "properties": [{"name": "provision:machine", "value": service.machine}],
        }
        part["version"] = service.release or "as the distribution's package"
        if terms and terms.licence:
            part["licenses"] = [_licence(terms.licence)]
        yield part


def _packages(facts: Facts) -> tuple[list[Part], list[Part]]:
    """Every locked package once, and which service or program needs it."""
    parts: dict[str, Part] = {}
    needs: list[Part] = []
    services = {service.name: f"service:{service.machine}/{service.name}" for service in facts.plan.services}
    for lock in facts.locks:
        for package in lock.packages:
            part: Part = {
                "type": "library",
                "bom-ref": package.purl,
                "name": package.name,
                "version": package.version,
                "purl": package.purl,
            }
            if package.hashes:
                part["hashes"] = [{"alg": alg, "content": content} for alg, content in package.hashes]
            if package.licence:
                part["licenses"] = [_licence(package.licence)]
            parts.setdefault(package.purl, part)
        if lock.part not in services:
            ref = f"program:{lock.part}"
            parts.setdefault(ref, {"type": "application", "bom-ref": ref, "name": lock.part})
        needs.append(
            {
                "ref": services.get(lock.part, f"program:{lock.part}"),
                "dependsOn": sorted({package.purl for package in lock.packages}),
            }
        )
    return list(parts.values()), _joined(needs)


def _joined(needs: list[Part]) -> list[Part]:
    """One entry per part, though it may have several locks."""
    found: dict[str, set[str]] = {}
    for need in needs:
        found.setdefault(need["ref"], set()).update(need["dependsOn"])
    return [{"ref": ref, "dependsOn": sorted(refs)} for ref, refs in found.items()]


def _checked(file: Artifact | Any) -> Part:
    """Hash and source of a file of either lock."""
    if isinstance(file, Artifact):
        algorithm, content, source = "sha256", file.sha256, file.source
    else:
        algorithm, content, source = file.checksum.algorithm, file.checksum.hex, file.url
    part: Part = {"properties": [{"name": "provision:source", "value": source}]}
    if content:
        part["hashes"] = [{"alg": _ALGORITHMS[algorithm], "content": content}]
    if source.startswith("https://"):
        part["externalReferences"] = [{"type": "distribution", "url": source}]
    return part


def _licence(text: str) -> Part:
    """By its SPDX id where it is one, else by name: the schema knows the ids."""
    return {"license": {"id": text} if text in _spdx_ids() else {"name": text}}


_IDS: set[str] = set()


def _spdx_ids() -> set[str]:
    if not _IDS:
        _IDS.update(_load_schema("spdx")["enum"])
    return _IDS


def validate_bom(document: Part) -> None:
    """Raises SetupError with the first faults where the document is not CycloneDX 1.6."""
    import jsonschema_rs

    schemas = {name: _load_schema(name) for name in _SCHEMAS}
    known = [(f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", schema) for name, schema in schemas.items()]
    validator = jsonschema_rs.validator_for(
        schemas["bom-1.6"], registry=jsonschema_rs.Registry(known), validate_formats=True
    )
    faults = [f"{'/'.join(map(str, e.instance_path))}: {e.message[:200]}" for e in validator.iter_errors(document)]
    if faults:
        raise SetupError(
            f"the bill of materials is not CycloneDX 1.6: {'; '.join(faults[:3])}",
            where="the document that was made",
            hint="please report it; nothing was written",
        )


def _load_schema(name: str) -> Part:
    spec = find_spec("cyclonedx")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError("cyclonedx-python-lib is not installed", where="the environment", hint="make setup")
    path = Path(spec.submodule_search_locations[0]) / "schema" / "_res" / f"{name}.SNAPSHOT.schema.json"
    document: Part = json.loads(path.read_text(encoding="utf-8"))
    return document
