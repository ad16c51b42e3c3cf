"""Recipes install nothing that is not pinned by a hash, and name no registry or folder of some machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
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
