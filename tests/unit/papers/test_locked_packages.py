"""Packages of the locks, held against other readers of the same files."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.papers.locked_packages import read_lock
from provision.places import REPOSITORY

RECIPES = REPOSITORY / "roles"


@pytest.mark.parametrize("name", ["uv.lock", "decision_layer/uv.lock"])
def test_uv_locks_are_read_as_a_toml_parser_reads_them(name: str) -> None:
    path = REPOSITORY / name
    found = {(p.name, p.version) for p in read_lock("x", path, REPOSITORY).packages}
    entries = tomllib.loads(path.read_text())["package"]
    assert found == {(e["name"], e["version"]) for e in entries if "registry" in e["source"]}
    assert len(found) > 40


def test_requirements_are_read_whole() -> None:
    path = RECIPES / "open_webui" / "files" / "recipe" / "requirements.txt"
    lock = read_lock("open_webui", path, REPOSITORY)
    pinned = [line for line in path.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))]
    assert len(lock.packages) == len(pinned)
    assert "pkg:pypi/open-webui@0.12.4" in {package.purl for package in lock.packages}


def test_npm_locks_keep_licence_and_hash() -> None:
    path = RECIPES / "n8n" / "files" / "recipe" / "package-lock.json"
    found = {(p.name, p.version): p for p in read_lock("n8n", path, REPOSITORY).packages}
    entries = json.loads(path.read_text())["packages"]
    places = {
        (entry.get("name") or place.rpartition("node_modules/")[2], entry["version"])
        for place, entry in entries.items()
        if place
    }
    assert set(found) == places
    scoped = found["@1password/connect", "1.4.2"]
    assert scoped.purl == "pkg:npm/%401password/connect@1.4.2"
    assert scoped.licence == "MIT"
    assert [(kind, len(digits)) for kind, digits in scoped.hashes] == [("SHA-512", 128)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", "version = 1\n"),
        ("uv.lock", "version = 1\n\n[[package]]\nnam = 1\n"),
        ("package-lock.json", "{}"),
        ("package-lock.json", '{"packages": {"node_modules/a": {}}}'),
        ("requirements.txt", "# nothing\n"),
    ],
)
def test_a_damaged_lock_is_refused(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SetupError, match="lock file"):
        read_lock("x", path, tmp_path)
