"""Releases built once per recipe, in a builder guest, and kept as bundles named by release id."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from provision.errors import SetupError
from provision.lab.builder import (
    GUEST,
    INPUTS_FOLDER,
    RECIPE_FOLDER,
    Progress,
    builder_guest,
    pack_folder,
    run_recipe,
    send_file,
    send_recipe,
)
from provision.lab.locks import held
from provision.lab.places import guest_home
from provision.lab.requirements import require_lab
from provision.models.lab import BuiltBundle
from provision.places import find_cache


def ensure_bundle(
    recipe_dir: Path,
    release_id: str,
    dest: str,
    progress: Progress = lambda _: None,
    inputs: Mapping[str, Path] | None = None,
    environment: Mapping[str, str] | None = None,
) -> BuiltBundle:
    """The bundle of a release: from the cache, or built now by `build.sh DEST` of the recipe in a builder guest.

    `inputs`: files by the names under which the recipe finds them in "$INPUTS"; `environment`: what build.sh is told.
    One build at a time per release.
    Raises SetupError with the last lines of the recipe's log when it fails, and what `ensure_lab` raises.
    """
    if not (recipe_dir / "build.sh").is_file():
        raise SetupError("the recipe has no build.sh", where=str(recipe_dir), hint="see docs/architecture.md, Releases")
    if (ready := read_bundle(release_id)) is not None:
        return ready
    path = bundle_path(release_id)
    with held(path.with_name(f".{release_id}.lock"), forget=True):
        known = read_bundle(release_id)
        if known is None:
            require_lab()
            progress(f"building {release_id} in a builder guest")
            _build(recipe_dir, dest, path, progress, inputs or {}, environment or {})
            known = read_bundle(release_id)
    if known is None:
        raise _vanished(path)
    return known


def keep_bundle(name: str, write: Callable[[Path], None]) -> BuiltBundle:
    """The file of this name: from the cache, or what `write` puts at the path that it is given. One at a time per name.

    Nothing of a `write` that fails stays. Raises what it raises.
    """
    path = bundle_path(name)
    with held(path.with_name(f".{name}.lock"), forget=True):
        if (ready := read_bundle(name)) is not None:
            return ready
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            fresh = Path(folder) / path.name
            write(fresh)
            _publish(fresh, path)
        made = read_bundle(name)
    if made is None:
        raise _vanished(path)
    return made


def _vanished(path: Path) -> SetupError:
    return SetupError(
        "the bundle vanished after it was built", where=str(path), hint="is another program cleaning the cache?"
    )


def read_bundle(release_id: str) -> BuiltBundle | None:
    """The bundle of the cache, if it is whole.

    Its checksum file notes size and time of change beside the sha256: while both hold, the file is not read again;
    targets check the sha256 of what they fetch anyway.
    """
    path = bundle_path(release_id)
    seal = _seal_path(path)
    if not path.is_file() or not seal.is_file():
        return None
    sha256, _, noted = seal.read_text().strip().partition(" ")
    if noted.strip() != _stamp(path):
        if _sha256(path) != sha256:
            return None
        _write_seal(path, sha256)
    return BuiltBundle(release_id=release_id, path=path, sha256=sha256, size_bytes=path.stat().st_size)


def bundle_path(release_id: str) -> Path:
    return find_cache() / "bundles" / f"{release_id}.tar.zst"


def _build(
    recipe_dir: Path,
    dest: str,
    path: Path,
    progress: Progress,
    inputs: Mapping[str, Path],
    environment: Mapping[str, str],
) -> None:
    for stale in path.parent.glob(f".{path.name}-*"):
        shutil.rmtree(stale)
    lab = f"build-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    log = path.with_name(path.name.replace(".tar.zst", ".log"))
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        with builder_guest(lab, progress) as host:
            send_recipe(host, recipe_dir, RECIPE_FOLDER)
            for name, file in inputs.items():
                send_file(host, file, f"{INPUTS_FOLDER}/{name}")
            run_recipe(host, dest, log, progress, environment)
            progress(f"packing {dest}")
            pack_folder(guest_home(lab, GUEST) / "rootfs", dest, fresh)
            # Before the guest is taken down: its many small files take minutes on a busy disk, and others wait.
            _publish(fresh, path)


def _publish(fresh: Path, path: Path) -> None:
    fresh.chmod(0o644)
    sha256 = _sha256(fresh)
    path.unlink(missing_ok=True)
    _write_seal(fresh, sha256)
    _seal_path(fresh).rename(_seal_path(path))
    fresh.rename(path)


def _seal_path(path: Path) -> Path:
    return path.with_name(path.name.replace(".tar.zst", ".sha256"))


def _write_seal(path: Path, sha256: str) -> None:
    _seal_path(path).write_text(f"{sha256}  {_stamp(path)}\n")


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} bytes {status.st_mtime_ns} ns"


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
