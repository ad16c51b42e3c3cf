"""Packages as lock files name them: uv.lock, pip's hashed requirements, and npm's package-lock.json."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from provision.errors import SetupError
from provision.models.base import Frozen
from provision.papers.python_licences import known_licences, normal_name

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_UV_HEAD = re.compile(
    r'name = "(?P<name>[^"]+)"\nversion = "(?P<version>[^"]+)"\nsource = \{ (?P<kind>[a-z]+) = "[^"]*"'
)


class LockedPackage(Frozen):
    """One package at one version. `hashes`: CycloneDX algorithm and hex digits, only where one file is meant."""

    ecosystem: Literal["pypi", "npm"]
    name: str
    version: str
    licence: str | None = None
    hashes: tuple[tuple[str, str], ...] = ()

    @property
    def purl(self) -> str:
        """Package URL: pkg:npm/%40scope/name@version, pkg:pypi/name@version."""
        return f"pkg:{self.ecosystem}/{self.name.replace('@', '%40')}@{self.version.replace('+', '%2B')}"


class LockFile(Frozen):
    """`part`: the service or program that the lock is of; `path` from the checkout's root."""

    part: str
    path: str
    packages: tuple[LockedPackage, ...]


def read_lock(part: str, path: Path, root: Path) -> LockFile:
    """Each package once, sorted. Raises SetupError where the file is missing or is no lock."""
    reader: Callable[[str], Iterator[LockedPackage]]
    reader = {".lock": _read_uv, ".json": _read_npm}.get(path.suffix, _read_pip)
    try:
        found = {package.purl: package for package in reader(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(
            f"the lock file cannot be read: {error}", where=str(path), hint="the checkout is damaged: fetch it again"
        ) from error
    if not found:
        raise SetupError("the lock file names no package", where=str(path), hint="fetch the checkout again")
    packages = tuple(found[purl] for purl in sorted(found))
    return LockFile(part=part, path=path.relative_to(root).as_posix(), packages=packages)


def _read_uv(text: str) -> Iterator[LockedPackage]:
    """Only what comes from a registry; the project itself has a directory as its source.

    By uv's own fixed layout and not by a TOML parser, which takes longer than all else of the papers.
    """
    blocks = text.split("\n[[package]]\n")[1:]
    for block in blocks:
        head = _UV_HEAD.match(block)
        if head is None:
            raise ValueError(f"a package that is not written as uv writes it: {block[:60]!r}")
        if head["kind"] == "registry":
            yield _python_package(head["name"], head["version"])


def _read_pip(text: str) -> Iterator[LockedPackage]:
    for name, version in _PIN.findall(text):
        yield _python_package(name, version)


def _python_package(name: str, version: str) -> LockedPackage:
    normal = normal_name(name)
    licence = known_licences().get(f"{normal}=={version}")
    return LockedPackage(ecosystem="pypi", name=normal, version=version, licence=licence)


def _read_npm(text: str) -> Iterator[LockedPackage]:
    entries: dict[str, dict[str, Any]] = json.loads(text)["packages"]
    for place, entry in entries.items():
        if not place or entry.get("link"):
            continue  # the project itself, or a link to another entry
        name = entry.get("name") or place.rpartition("node_modules/")[2]
        licence = entry.get("license")
        yield LockedPackage(
            ecosystem="npm",
            name=name,
            version=entry["version"],
            licence=licence if isinstance(licence, str) else None,
            hashes=tuple(_integrity(entry.get("integrity", ""))),
        )


def _integrity(text: str) -> Iterator[tuple[str, str]]:
    """npm's 'sha512-BASE64' as CycloneDX writes it."""
    for item in text.split():
        kind, _, value = item.partition("-")
        if kind == "sha512":
            yield "SHA-512", base64.b64decode(value, validate=True).hex()
