"""Nothing that is shipped is older than the oldest version without a known, serious fault (cve-floors.yml)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.catalog.images import load_images
from provision.catalog.node_artifacts import load_artifacts

ROOT = Path(__file__).resolve().parents[3]
FLOORS: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "provision" / "catalog" / "data" / "cve-floors.yml").read_text(encoding="utf-8")
)
RECIPES = ROOT / "roles"


def as_numbers(version: str) -> tuple[int, ...]:
    """The numbers at the beginning, `v` before them or not. Raises ValueError where there are none."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    if not found:
        raise ValueError(f"{version!r} is not a version")
    return tuple(int(part) for part in found[1].split("."))


def find_pinned(place: dict[str, str]) -> dict[str, str]:
    """Version by where it stands, which is an image's tag; an artifact's name may have a variant (`ollama-cuda`)."""
    if "role" in place:
        recipe = RECIPES / place["role"] / "files" / "recipe"
        found = {
            f"{place['role']}/VERSION": file.read_text().strip() for file in [recipe / "VERSION"] if file.is_file()
        }
        return found | find_locked(recipe, place["role"])
    if "images" in place:
        return {f"image {name}": load_images()[name].tag for name in place["images"]}
    name = place["artifact"]
    known = load_artifacts(None).items()
    return {key: entry.version for key, entry in known if key == name or key.startswith(f"{name}-")}


def find_locked(recipe: Path, role: str) -> dict[str, str]:
    """The program itself in the recipe's lock of Python packages (`open-webui==0.12.4`)."""
    package = role.replace("_", "-")
    found = {}
    for lock in recipe.glob("*requirements*.txt"):
        for line in re.finditer(rf"^{re.escape(package)}==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
            found[f"{role}/{lock.name}"] = line[1]
    return found


def below(pinned: dict[str, str], floor: str) -> dict[str, str]:
    """Those that are older than the floor."""
    return {where: version for where, version in pinned.items() if as_numbers(version) < as_numbers(floor)}


@pytest.mark.parametrize("name", FLOORS)
def test_what_is_shipped_is_not_below_its_floor(name: str) -> None:
    entry = FLOORS[name]
    pinned = find_pinned(entry["in"])
    assert pinned, f"{name} is pinned nowhere"
    old = below(pinned, str(entry["floor"]))
    assert not old, (
        f"{name} is open to {', '.join(entry['cves'])}, mended in {entry['floor']}: {old} ({entry['source']})"
    )


@pytest.mark.parametrize("name", FLOORS)
def test_every_floor_names_its_faults_and_its_source(name: str) -> None:
    entry = FLOORS[name]
    assert set(entry) == {"in", "floor", "cves", "source"}
    assert as_numbers(str(entry["floor"]))
    assert entry["cves"]
    assert all(re.fullmatch(r"CVE-\d{4}-\d{4,7}", cve) for cve in entry["cves"])
    assert len(entry["source"]) > 20


def test_services_with_releases_of_their_own_are_watched() -> None:
    """So that the comparison cannot pass by finding nothing."""
    watched = {entry["in"].get("role") for entry in FLOORS.values() if find_pinned(entry["in"])}
    assert watched >= {"n8n", "open_webui", "llama_cpp"}
    assert set(find_pinned(FLOORS["langfuse"]["in"])) == {"image langfuse", "image langfuse-worker"}
    assert "open_webui/requirements.txt" in find_pinned(FLOORS["open_webui"]["in"])


@pytest.mark.parametrize(
    ("name", "version"),
    [("n8n", "2.22.3"), ("open_webui", "0.8.12"), ("llama_cpp", "8145.9.9"), ("langfuse", "3.136.9")],
)
def test_an_older_one_is_found(name: str, version: str) -> None:
    assert below({"here": version}, str(FLOORS[name]["floor"]))
    assert not below({"here": str(FLOORS[name]["floor"])}, str(FLOORS[name]["floor"]))
