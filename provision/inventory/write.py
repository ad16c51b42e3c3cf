"""An inventory tree as a directory: all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from provision.errors import SetupError

_OURS = "# Written by provision "
_HOSTS = "hosts.yml"


def write_inventory(tree: Mapping[str, str], directory: Path) -> None:
    """Make `directory` hold exactly `tree`; whatever goes wrong, the old content stays.

    Nothing is touched where nothing would change. Raises SetupError where the directory is not one that provision
    wrote, or cannot be written.
    """
    _require_ours(directory)
    if _read(directory) == dict(tree):
        return
    try:
        replace_folder({name: text.encode() for name, text in tree.items()}, directory)
    except OSError as error:
        raise SetupError(
            f"the inventory cannot be written: {error.strerror or error}",
            where=str(directory),
            hint="check that there is space and that the folder above may be written to",
        ) from error


def _require_ours(directory: Path) -> None:
    if not directory.is_symlink() and not directory.exists():
        return
    if directory.is_dir() and not directory.is_symlink():
        hosts = directory / _HOSTS
        if not any(directory.iterdir()):
            return
        if hosts.is_file() and hosts.read_text(encoding="utf-8", errors="replace").startswith(_OURS):
            return
    raise SetupError(
        "there is already something that provision did not write, so it is left alone",
        where=str(directory),
        hint="name a new or empty folder",
    )


def _read(directory: Path) -> dict[str, str]:
    if not directory.is_dir():
        return {}
    return {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in directory.rglob("*")
        if path.is_file()
    }


def replace_folder(tree: Mapping[str, bytes], directory: Path) -> None:
    """Write beside, then swap by two renames. A kill between them leaves the old tree beside, under a dotted name.

    Whether the folder may be replaced is the caller's to say. Raises OSError; the old content then stays.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as passing:
        fresh, former = Path(passing) / "new", Path(passing) / "old"
        fresh.mkdir()
        for name, content in tree.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if directory.exists():
            directory.rename(former)
        try:
            fresh.rename(directory)
        except OSError:
            if former.exists() and not directory.exists():
                former.rename(directory)
            raise
        shutil.rmtree(former, ignore_errors=True)
