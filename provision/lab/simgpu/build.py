"""Compiles the two simulated libraries with the system's compiler, once per state of the sources."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from provision.errors import SetupError
from provision.lab.commands import run
from provision.places import find_cache

SOURCES = Path(__file__).resolve().parent
COMPILER = "gcc"
FLAGS = (
    "-std=gnu17",
    "-D_GNU_SOURCE",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fPIC",
    "-fvisibility=hidden",
    "-shared",
    "-Wl,-z,defs,-z,now",
)
NVML = "libnvidia-ml.so.1"
CUDA = "libcuda.so.1"
PARTS = {
    NVML: ("nvml.c", "nvml_device.c", "config.c", "visible.c", "memory.c", "procfs.c"),
    CUDA: ("cuda.c", "config.c", "visible.c"),
}
HEADERS = ("simgpu.h", "nvml.h", "procfs.h")


def build_libraries() -> tuple[Path, Path]:
    """The simulated libnvidia-ml.so.1 and libcuda.so.1 in the cache, compiled where absent.

    Raises SetupError when there is no compiler or it refuses the sources.
    """
    if shutil.which(COMPILER) is None:
        raise SetupError(
            f"the command {COMPILER} is missing: the simulated GPU libraries are compiled here",
            where="this machine",
            hint="apt-get install --yes gcc libc6-dev",
        )
    folder = find_cache() / "simgpu" / build_key()
    if not folder.is_dir():
        _build_into(folder)
    return folder / NVML, folder / CUDA


def build_key() -> str:
    """The first 16 hex digits of the sha256 over the compiler's version, its flags and the sources."""
    digest = hashlib.sha256(run([COMPILER, "--version"], hint="install gcc again").encode())
    digest.update(repr((FLAGS, sorted(PARTS.items()))).encode())
    for name in sorted({*HEADERS, *(part for parts in PARTS.values() for part in parts)}):
        digest.update(f"\n--- {name}\n".encode() + (SOURCES / name).read_bytes())
    return digest.hexdigest()[:16]


def compile_library(library: str, target: Path, extra: Sequence[str] = ()) -> None:
    """Compile one of PARTS to `target`, with `extra` flags at the end. Raises SetupError with gcc's last lines."""
    sources = [str(SOURCES / name) for name in PARTS[library]]
    run(
        [COMPILER, *FLAGS, f"-Wl,-soname,{library}", "-o", str(target), *sources, *extra],
        hint="apt-get install --yes gcc libc6-dev; if they are there, this is a defect of provision",
        timeout_s=120,
    )


def _build_into(folder: Path) -> None:
    """Both libraries appear at once, by one rename; of two builders at the same time the first wins."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder.parent) as temporary:
        work = Path(temporary) / "libraries"
        work.mkdir()
        for library in PARTS:
            compile_library(library, work / library)
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
