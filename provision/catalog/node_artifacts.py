"""The files that machines need from upstream: what is shipped, with the user's own lock.json over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from provision.errors import SetupError, UsageError
from provision.models.artifact import NodeArtifact, OverlayEntry, PinnedCheckpoint

SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's safe loader where PyYAML was built with it: it reads the catalogue in a tenth of the time."""

_DATA = Path(__file__).parent / "data"
SHIPPED = tuple(
    _DATA / f"{kind}.yml" for kind in ("node-artifacts", "service-artifacts", "model-files", "checkpoint-files")
)
CHECKPOINTS = "checkpoint-files.yml"
"""Models that are a folder of files, for vLLM."""
_LEARNT = ("checksum", "size_bytes", "sources", "status", "published")
"""What a lock.json may add to a shipped version; all else of it stays."""


def load_artifacts(overlay: Path | None) -> dict[str, NodeArtifact]:
    """All by name, in the shipped order. `overlay` is the user's lock.json, which may be missing; None leaves it out.

    Raises SetupError where a file is not in order or the overlay says more than it may.
    """
    known: dict[str, NodeArtifact] = {}
    for path in SHIPPED:
        for name, entry in _read_shipped(path).items():
            if entry.name != name:
                raise SetupError(f"'{name}' calls itself '{entry.name}'", where=str(path), hint="name it by its key")
            if name in known:
                raise SetupError(f"'{name}' is pinned twice", where=str(path), hint="remove one of the entries")
            known[name] = entry
    return known | {name: _layer(known, name, entry, overlay) for name, entry in read_overlay(overlay).items()}


def read_overlay(overlay: Path | None) -> dict[str, OverlayEntry]:
    """The user's entries as they stand, not yet compared with what is shipped. Raises SetupError."""
    if overlay is None or not overlay.exists():
        return {}
    return _read(overlay, dict[str, OverlayEntry], "remove the file; provision lock --update writes it again")


def artifact(name: str, overlay: Path | None) -> NodeArtifact:
    """One of them. Raises UsageError for an unknown name, SetupError as `load_artifacts`."""
    known = load_artifacts(overlay)
    if name not in known:
        raise UsageError(f"no pinned file is called '{name}'", where="lock", hint=f"one of: {', '.join(known)}")
    return known[name]


def require_resolved(artifact: NodeArtifact) -> None:
    """Raises SetupError where nobody has pinned the file: it must not be fetched."""
    if artifact.status != "resolved":
        raise SetupError(
            f"{artifact.name} {artifact.version} has no pinned checksum",
            where=artifact.url,
            hint="run provision lock --update",
        )


def _read_shipped(path: Path) -> dict[str, NodeArtifact]:
    hint = "the checkout is damaged: fetch it again"
    if path.name != CHECKPOINTS:
        return _read(path, dict[str, NodeArtifact], hint)
    folders = _read(path, dict[str, PinnedCheckpoint], hint)
    return {name: file for folder, pinned in folders.items() for name, file in pinned.list_artifacts(folder).items()}


def _layer(known: dict[str, NodeArtifact], name: str, entry: OverlayEntry, overlay: Path | None) -> NodeArtifact:
    if name not in known or entry.name != name:
        raise _refuse(overlay, name, "it is no pinned file of this provision", "remove the entry")
    shipped = known[name]
    if entry.version != shipped.version:
        return _replace(shipped, entry, overlay)
    ours = entry.model_dump(exclude={"replaces", *_LEARNT})
    if changed := [field for field, value in shipped.model_dump(exclude={*_LEARNT}).items() if ours[field] != value]:
        raise _refuse(overlay, name, f"it changes {', '.join(changed)} of the shipped {shipped.version}")
    if entry.checksum.algorithm != shipped.checksum.algorithm or (
        shipped.status == "resolved" and entry.checksum.hex != shipped.checksum.hex
    ):
        raise _refuse(overlay, name, f"it changes the checksum that is shipped for {shipped.version}")
    return _plain(entry)


def _replace(shipped: NodeArtifact, entry: OverlayEntry, overlay: Path | None) -> NodeArtifact:
    """Another version counts where it says which one it replaces; what merely was learnt of an older one does not."""
    if entry.replaces is None:
        return shipped
    if entry.replaces != shipped.version:
        what = f"it replaces {entry.replaces} by {entry.version}, but {shipped.version} is shipped by now"
        hint = f"remove the entry, or run provision lock --update {shipped.name} --pin {entry.version} again"
        raise _refuse(overlay, shipped.name, what, hint)
    require_resolved(entry)
    return _plain(entry)


def _plain(entry: OverlayEntry) -> NodeArtifact:
    return NodeArtifact.model_validate(entry.model_dump(exclude={"replaces"}))


def _refuse(overlay: Path | None, name: str, what: str, hint: str = "") -> SetupError:
    return SetupError(
        f"the lock's entry for '{name}' is refused: {what}",
        where=str(overlay),
        hint=hint or f"remove the entry, then run provision lock --update {name}",
    )


def _read[T](path: Path, kind: type[T], hint: str) -> T:
    """A file of YAML; JSON is a part of it."""
    try:
        content: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=SAFE_LOADER)  # noqa: S506 - both are safe
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise SetupError(
            f"the artifact lock cannot be read: {place}: {first['msg']}", where=str(path), hint=hint
        ) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise SetupError(f"the artifact lock cannot be read: {reason}", where=str(path), hint=hint) from error
