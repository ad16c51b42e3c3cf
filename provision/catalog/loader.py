"""The data files of this package as one `Catalog`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from provision.catalog.node_artifacts import SAFE_LOADER, load_artifacts
from provision.catalog.releases import release_id, unpacked_release_id
from provision.errors import SetupError
from provision.models.artifact import NodeArtifact
from provision.models.catalog import Artifact, Catalog, GpuEntry, ModelEntry, ServiceEntry

_DATA = Path(__file__).parent / "data"
ROLES = Path(__file__).resolve().parents[2] / "roles"
"""In a checkout, the roles lie beside the package; a bare wheel has none."""

type _Entries = dict[str, dict[str, Any]]


@cache
def load_catalog(data: Path = _DATA, roles: Path = ROLES) -> Catalog:
    """Everything that is known, read once per process.

    The release ids come from the recipes in `roles`. Raises SetupError where a data file or a recipe is not in order.
    """
    gpus, models = data / "gpus", data / "models"
    return Catalog(
        gpus=_check(dict[str, GpuEntry], _with_key(read_data_folder(gpus), "id"), gpus),
        models=_check(dict[str, ModelEntry], _complete(_with_key(read_data_folder(models), "id")), models),
        services=_load_services(data / "services.yml", roles),
        artifacts=_check(dict[str, Artifact], read_data(data / "artifacts.yml"), data / "artifacts.yml"),
    )


def _complete(entries: _Entries) -> _Entries:
    """Model entries with the sizes of their files in whole MiB."""
    return {
        name: entry | {field: [_in_mib(quant) for quant in entry.get(field, ())] for field in ("quants", "checkpoints")}
        for name, entry in entries.items()
    }


def _in_mib(quant: dict[str, Any]) -> dict[str, Any]:
    return {"file_mib": ceil(quant["file_bytes"] / 2**20)} | quant if "file_bytes" in quant else quant


def _load_services(path: Path, roles: Path) -> dict[str, ServiceEntry]:
    entries = _check(dict[str, ServiceEntry], _with_key(read_data(path), "name"), path)
    locked = load_artifacts(None)
    return {name: name_release(entry, roles, locked) for name, entry in entries.items()}


def name_release(
    entry: ServiceEntry, roles: Path, locked: Mapping[str, NodeArtifact], stand_ins: Mapping[str, str] | None = None
) -> ServiceEntry:
    """The entry with the id of its release. `locked`: upstream's files by name. `stand_ins`: in the lab, what it has
    instead of them, by the same names. Raises SetupError where a recipe or a locked file is missing."""
    if entry.installs != "release":
        return entry
    recipe = _find_recipe(roles, entry.role)
    if not entry.artifacts:
        return entry.model_copy(update={"release": release_id(recipe)})
    if missing := [name for name in entry.artifacts if name not in locked]:
        raise SetupError(f"no pinned file is called '{missing[0]}'", where=f"service {entry.name}", hint="add it")
    ids = [stand_ins[name] for name in entry.artifacts] if stand_ins is not None else []
    release = unpacked_release_id(recipe, [locked[name] for name in entry.artifacts], ids)
    return entry.model_copy(update={"release": release, "stand_in": bool(ids)})


def _find_recipe(roles: Path, role: str) -> Path:
    if not roles.is_dir():
        raise SetupError(
            "the folder 'roles' is not beside the program",
            where=str(roles),
            hint="run provision from a checkout (make demo does), not from a bare wheel",
        )
    return roles / role / "files" / "recipe"


def read_data_folder(folder: Path) -> _Entries:
    """The entries of all files of a folder, in the files' order; a name stands in one of them only."""
    entries: _Entries = {}
    for path in sorted(folder.glob("*.yml")):
        found = read_data(path)
        if twice := sorted(found.keys() & entries.keys()):
            raise complain_data(path, f"'{twice[0]}' stands in another file of the folder too")
        entries |= found
    if not entries:
        raise complain_data(folder, "it has no entries")
    return entries


def read_data(path: Path) -> _Entries:
    """One file of named entries. Raises SetupError where it is none."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=SAFE_LOADER)  # noqa: S506 - both loaders are safe
    except (OSError, yaml.YAMLError) as error:
        raise complain_data(path, str(error).splitlines()[0]) from error
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise complain_data(path, "it is not a mapping from names to entries")
    return content


def _with_key(entries: _Entries, field: str) -> _Entries:
    """Each entry with its own name in `field`."""
    return {name: {field: name} | entry for name, entry in entries.items()}


def _check[T](kind: type[T], entries: Mapping[str, Any], path: Path, *steps: str) -> T:
    try:
        return TypeAdapter(kind).validate_python(entries)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in (*steps, *first["loc"]))
        raise complain_data(path, f"{place}: {first['msg']}") from error


def complain_data(path: Path, what: str) -> SetupError:
    return SetupError(
        f"the catalogue cannot be read: {what}", where=str(path), hint="the checkout is damaged: fetch it again"
    )
