"""Recipes install nothing that is not pinned by a hash, and name no registry or folder of some machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

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
