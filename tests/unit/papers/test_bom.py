"""The bill of materials is CycloneDX 1.6 by somebody else's word, and says what the locks say."""

from __future__ import annotations

import copy
import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from provision.catalog.loader import load_catalog
from provision.errors import SetupError
from provision.papers.bom import validate_bom
from provision.pipeline.evidence import Made


def test_the_library_of_cyclonedx_accepts_it(made: Made) -> None:
    """Every part but packages, and some of those: it is slow, and all of them were held against the same schema."""
    packages = [part for part in made.bom["components"] if part["type"] == "library"]
    others = [part for part in made.bom["components"] if part["type"] != "library"]
    document = made.bom | {"components": [*others, *packages[::40]]}
    assert len(packages) > 2000
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None


def test_the_model_is_a_component_with_card_and_checksum(made: Made) -> None:
    (model,) = [part for part in made.bom["components"] if part["type"] == "machine-learning-model"]
    locked = load_catalog().artifacts["gemma-3-270m-q4_k_m.gguf"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": locked.sha256}]
    assert model["licenses"] == [{"license": {"name": "Gemma Terms of Use"}}]
    assert model["modelCard"]["modelParameters"]["task"] == "text-generation"
    assert {"name": "provision:stands-for", "value": "llama3.3-70b"} in model["properties"]


def test_every_reference_leads_to_a_component(made: Made) -> None:
    refs = [part["bom-ref"] for part in made.bom["components"]]
    assert len(refs) == len(set(refs))
    known = {*refs, made.bom["metadata"]["component"]["bom-ref"]}
    for entry in made.bom["dependencies"]:
        assert {entry["ref"], *entry["dependsOn"]} <= known
    depended = {ref for entry in made.bom["dependencies"] for ref in entry["dependsOn"]}
    programs = {"program:provision", "program:decision-layer"}
    assert set(refs) - programs <= depended


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("components", 0, "type"), "spell"),
        (("components", 0, "hashes"), [{"alg": "SHA-256", "content": "zz"}]),
        (("specVersion",), 16),
        (("metadata", "timestamp"), "yesterday"),
        (("serialNumber",), "1"),
    ],
)
def test_another_document_is_refused(made: Made, path: tuple[str | int, ...], value: object) -> None:
    document = copy.deepcopy(made.bom)
    place = document
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] = value  # type: ignore[index]
    with pytest.raises(SetupError, match=r"not CycloneDX 1\.6"):
        validate_bom(document)


def test_licences_that_spdx_knows_go_by_their_id(made: Made) -> None:
    licences = [entry["license"] for part in made.bom["components"] for entry in part.get("licenses", ())]
    assert {"id": "MIT"} in licences
    assert {"id": "AGPL-3.0-only"} not in licences, "the lab's Grafana is a stand-in"
    assert {"name": "MIT"} not in licences
