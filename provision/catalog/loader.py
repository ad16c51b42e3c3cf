"""The data files of this package as one `Catalog`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from provision.catalog.releases import release_id
from provision.errors import SetupError
from provision.models.catalog import Artifact, Catalog, GpuEntry, ModelEntry, ServiceEntry

_DATA = Path(__file__).parent / "data"
ROLES = Path(__file__).resolve().parents[2] / "roles"
"""In a checkout, the roles lie beside the package; a bare wheel has none."""


@cache
def load_catalog(data: Path = _DATA, roles: Path = ROLES) -> Catalog:
    """Everything that is known, read once per process.

    The release ids come from the recipes in `roles`. Raises SetupError where a data file or a recipe is not in order.
    """
    return Catalog(
        gpus=_check(dict[str, GpuEntry], _with_key(_read(data / "gpus.yml"), "id"), data / "gpus.yml"),
        models=_check(dict[str, ModelEntry], _with_key(_read(data / "models.yml"), "id"), data / "models.yml"),
        services=_load_services(data / "services.yml", roles),
        artifacts=_check(dict[str, Artifact], _read(data / "artifacts.yml"), data / "artifacts.yml"),
    )


def _load_services(path: Path, roles: Path) -> dict[str, ServiceEntry]:
    entries = _with_key(_read(path), "name")
    for entry in entries.values():
        released = entry.get("installs") == "release"
        entry["release"] = release_id(_find_recipe(roles, str(entry.get("role")))) if released else None
    return _check(dict[str, ServiceEntry], entries, path)


def _find_recipe(roles: Path, role: str) -> Path:
    if not roles.is_dir():
        raise SetupError(
            "the folder 'roles' is not beside the program",
            where=str(roles),
            hint="run provision from a checkout (make demo does), not from a bare wheel",
        )
    return roles / role / "files" / "recipe"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise _complain(path, str(error).splitlines()[0]) from error
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise _complain(path, "it is not a mapping from names to entries")
    return content


def _with_key(entries: dict[str, dict[str, Any]], field: str) -> dict[str, dict[str, Any]]:
    """Each entry with its own name in `field`."""
    return {name: {field: name} | entry for name, entry in entries.items()}


def _check[T](kind: type[T], entries: dict[str, dict[str, Any]], path: Path) -> T:
    try:
        return TypeAdapter(kind).validate_python(entries)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise _complain(path, f"{place}: {first['msg']}") from error


def _complain(path: Path, what: str) -> SetupError:
    return SetupError(
        f"the catalogue cannot be read: {what}", where=str(path), hint="the checkout is damaged: fetch it again"
    )
