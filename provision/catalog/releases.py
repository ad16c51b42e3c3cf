"""Release ids: a release is named after its version and after every byte of the recipe that made it."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from provision.errors import SetupError

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
    name = f"{version}-{_digest_files(recipe_dir)[:12]}"
    return f"{name}-{variant}" if variant else name


def _digest_files(folder: Path) -> str:
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    digest = sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name].read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
