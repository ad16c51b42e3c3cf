"""Release ids: a release is named after its version and after every byte of the recipe that made it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from provision.errors import SetupError
from provision.models.artifact import NodeArtifact
from provision.places import recipe_sources

type _Hash = hashlib._Hash
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_]{0,40}")


def release_id(recipe_dir: Path, variant: str = "") -> str:
    """Name the release of a recipe: '11434.0.0-0123456789ab', or with '-cuda' behind it for that variant.

    `variant` names what the recipe was told through its environment, which its files cannot show. The hash is
    over the sorted relative names and the contents of all files below `recipe_dir`, each preceded by its
    length, so that no two sets of files give the same bytes. Raises SetupError where VERSION or build.sh is
    missing or VERSION is not one plain word.
    """
    for needed in ("VERSION", "build.sh"):
        if not (recipe_dir / needed).is_file():
            raise SetupError(
                f"the recipe has no file {needed}",
                where=str(recipe_dir),
                hint="the checkout is incomplete: fetch it again",
            )
    version = (recipe_dir / "VERSION").read_text(encoding="utf-8").strip()
    if not _VERSION.fullmatch(version):
        raise SetupError(
            f"VERSION holds {version!r}, which cannot be part of a folder's name",
            where=str(recipe_dir / "VERSION"),
            hint="write one word of letters, digits, '.', '+' or '_'",
        )
    name = f"{version}-{_digest_files(recipe_dir).hexdigest()[:12]}"
    return f"{name}-{variant}" if variant else name


def unpacked_release_id(recipe_dir: Path, artifacts: Sequence[NodeArtifact], stand_ins: Sequence[str] = ()) -> str:
    """Name the release that a recipe unpacks from upstream's files: version of the first, hash of recipe and files.

    `stand_ins`: what the lab has instead of those files, one id for each; the name then ends in '-standin'. Raises
    SetupError where there is no build.sh.
    """
    if not (recipe_dir / "build.sh").is_file():
        raise SetupError(
            "the recipe has no file build.sh",
            where=str(recipe_dir),
            hint="the checkout is incomplete: fetch it again",
        )
    digest = _digest_files(recipe_dir)
    for artifact in artifacts:
        _add(digest, artifact.file.encode(), (artifact.checksum.hex or "unresolved").encode())
    _add(digest, *(stand_in.encode() for stand_in in stand_ins))
    name = f"{artifacts[0].version}-{digest.hexdigest()[:12]}"
    return f"{name}-standin" if stand_ins else name


def _digest_files(folder: Path) -> _Hash:
    """What a recipe builds of the checkout itself is part of it."""
    files = {path.relative_to(folder).as_posix(): path for path in _files_below(folder)}
    for source in recipe_sources(folder):
        for path in _files_below(source) if source.is_dir() else (source,):
            files[f"sources/{path.relative_to(source.parent).as_posix()}"] = path
    digest = hashlib.sha256()
    for name in sorted(files):
        _add(digest, name.encode(), files[name].read_bytes())
    return digest


def _files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def _add(digest: _Hash, *parts: bytes) -> None:
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
