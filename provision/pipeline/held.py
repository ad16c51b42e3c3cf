"""Releases that a client's services have had, and those that `provision rollback` holds on an older one."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from provision.errors import SetupError, UsageError
from provision.models.catalog import Catalog
from provision.models.plan import Plan
from provision.runner.workspace import Workspace, write_private

_KEPT = 2
"""As many as stay on a machine (roles/release, release_keep)."""


def hold_releases(catalog: Catalog, workspace: Workspace) -> Catalog:
    """The catalogue with the held services on the release they are held on. Raises SetupError for an unusable file."""
    held = read_held(workspace)
    services = {
        name: entry.model_copy(update={"release": held[name], "held": True}) if name in held else entry
        for name, entry in catalog.services.items()
    }
    return catalog.model_copy(update={"services": services})


def read_held(workspace: Workspace) -> dict[str, str]:
    """Release id by service."""
    return _read(workspace.held_file, dict[str, str])


def record_releases(workspace: Workspace, plan: Plan) -> None:
    """Note which releases a verified run left, the newest first."""
    known = _read(workspace.releases_file, dict[str, list[str]])
    for service in plan.services:
        if service.release:
            others = [release for release in known.get(service.name, []) if release != service.release]
            known[service.name] = [service.release, *others][:_KEPT]
    _write(workspace.releases_file, known)


def hold_previous(workspace: Workspace, plan: Plan, service: str) -> tuple[str, str]:
    """Hold a service on the release it had before; (the one that runs, the one that is to).

    Raises UsageError for a service that is not placed, comes as a package, or has had one release only.
    """
    planned = next((planned for planned in plan.services if planned.name == service), None)
    if planned is None or planned.release is None:
        placed = ", ".join(sorted({other.name for other in plan.services if other.release}))
        raise UsageError(f"'{service}' has no releases here", where="rollback", hint=f"one of: {placed}")
    history = _read(workspace.releases_file, dict[str, list[str]]).get(service, [])
    older = [release for release in history if release != planned.release]
    if not older:
        raise UsageError(
            f"'{service}' has had no release before {planned.release}",
            where="rollback",
            hint="there is one to go back to after an update that was verified",
        )
    _write(workspace.held_file, {**read_held(workspace), service: older[0]})
    return planned.release, older[0]


def let_go(workspace: Workspace, service: str) -> str:
    """Hold a service no longer; the release it was held on. Raises UsageError where it is not held."""
    held = read_held(workspace)
    if service not in held:
        known = ", ".join(held) or "none is"
        raise UsageError(f"'{service}' is not held on a release", where="rollback", hint=f"held: {known}")
    _write(workspace.held_file, {name: release for name, release in held.items() if name != service})
    return held[service]


def put_back_held(workspace: Workspace, held: dict[str, str]) -> None:
    """As it was before a change that came to nothing."""
    _write(workspace.held_file, held)


def _read[T](path: Path, kind: type[T]) -> T:
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else "{}"
        return TypeAdapter(kind).validate_json(text)
    except (OSError, ValidationError) as error:
        raise SetupError(
            "the record of releases cannot be read", where=str(path), hint="move the file away and run provision up"
        ) from error


def _write(path: Path, content: object) -> None:
    write_private(path, json.dumps(content, indent=2, sort_keys=True) + "\n")
