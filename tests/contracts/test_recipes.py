"""Recipes install nothing that is not pinned by a hash, and name no registry or folder of some machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from provision.catalog.releases import release_id
from provision.errors import SetupError
from provision.places import SOURCES, recipe_sources

ROLES = Path(__file__).parents[2] / "roles"
LOCKS = sorted(ROLES.glob("*/files/recipe/*.txt"))
NPM_LOCKS = sorted(ROLES.glob("*/files/recipe/package-lock.json"))


def name_lock(path: Path) -> str:
    return f"{path.parents[2].name}/{path.name}"


def test_there_are_locks() -> None:
    assert LOCKS
    assert NPM_LOCKS


@pytest.mark.parametrize("lock", LOCKS, ids=name_lock)
def test_python_lock_is_hashed_and_names_no_place(lock: Path) -> None:
    lines = [line for line in lock.read_text().replace("\\\n", " ").splitlines() if line.strip()]
    requirements = [line for line in lines if not line.lstrip().startswith("#")]
    assert requirements
    for requirement in requirements:
        assert re.fullmatch(r"[A-Za-z0-9._\[\],-]+==\S+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", requirement), (
            requirement
        )
    assert not re.search(r"https?://|file:|--(index|extra|find)", lock.read_text())


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=name_lock)
def test_npm_lock_is_hashed_and_names_no_place(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert len(packages) > 1
    for name, package in packages.items():
        if name:
            assert package["integrity"].startswith("sha512-"), name
            assert "resolved" not in package, name


@pytest.mark.parametrize(("role", "package"), [("open_webui", "open-webui"), ("n8n", "node_modules/n8n")])
def test_version_is_the_locked_one(role: str, package: str) -> None:
    recipe = ROLES / role / "files" / "recipe"
    version = (recipe / "VERSION").read_text().strip()
    if package.startswith("node_modules"):
        assert json.loads((recipe / "package-lock.json").read_text())["packages"][package]["version"] == version
    else:
        assert re.search(
            rf"^{package}(\[\w+\])?=={re.escape(version)} ", (recipe / "requirements.txt").read_text(), re.M
        )


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        ("node_modules/n8n", {}, None),
        ("node_modules/n8n", {"integrity": "sha512-another", "version": "9.9.9"}, "9.9.9: the lock has 2.41.1 there"),
        ("node_modules/n8n", {"integrity": None}, "the lock has 2.41.1 there"),
        ("node_modules/stranger", {}, "the lock has nothing there"),
    ],
)
def test_what_npm_resolved_by_itself_is_refused(
    tmp_path: Path, name: str, found: dict[str, str], words: str | None
) -> None:
    recipe = ROLES / "n8n" / "files" / "recipe"
    locked = json.loads((recipe / "package-lock.json").read_text())["packages"]["node_modules/n8n"]
    installed = tmp_path / "installed.json"
    installed.write_text(json.dumps({"packages": {name: locked | found}}))
    argv = [sys.executable, str(recipe / "check_installed.py"), str(recipe / "package-lock.json"), str(installed)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if words else 0)
    assert (words or "1 packages, all as locked") in done.stdout + done.stderr


def test_the_decision_layers_recipe_has_its_own_lock_and_sources() -> None:
    recipe, package = ROLES / "decision_layer" / "files" / "recipe", ROLES.parent / "decision_layer"
    assert recipe_sources(recipe) == (package / "pyproject.toml", package / "src")
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert (recipe / "VERSION").read_text().strip() == project["version"]
    locked = {item["name"]: item for item in tomllib.loads((package / "uv.lock").read_text())["package"]}
    lines = (recipe / "requirements.txt").read_text()
    asked = dict(re.findall(r"^([a-z0-9-]+)==(\S+) (?!; sys_platform)", lines, re.M))
    assert asked == {name: locked[name]["version"] for name in _closure(locked, project["name"])}


def _closure(locked: dict[str, Any], name: str) -> set[str]:
    """Names of all that a package needs to run, by its lock; with PostgreSQL's driver, for the release has it too."""
    found: set[str] = set()
    optional = locked[name]["optional-dependencies"]["postgresql"]
    waiting = [item["name"] for item in (*locked[name]["dependencies"], *optional)]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [
                item["name"]
                for item in locked[one].get("dependencies", ())
                if "sys_platform" not in item.get("marker", "")
            ]
    return found


def test_sources_of_the_checkout_are_part_of_a_release_id_and_no_link_is_needed(tmp_path: Path) -> None:
    recipe, source = tmp_path / "recipe", tmp_path / "package" / "src"
    for folder in (recipe, source):
        folder.mkdir(parents=True)
    for name, text in (("VERSION", "1.0"), ("build.sh", ""), (SOURCES, "../package/src\n")):
        (recipe / name).write_text(text)
    (source / "module.py").write_text("one")
    before = release_id(recipe)
    (source / "module.py").write_text("two")
    assert release_id(recipe) != before
    (recipe / SOURCES).write_text("../package/gone\n")
    with pytest.raises(SetupError, match="sources of the recipe are missing"):
        release_id(recipe)


def test_the_checkout_holds_no_link() -> None:
    """Archives and copies of a checkout lose them, and a role then builds something else."""
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=ROLES.parent, capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) > 100
    assert [line for line in listed.stdout.splitlines() if line.startswith("120000")] == []
