"""The environment that the lab's Proxmox API runs in: fakepve and what it needs, locked by hash, apart from ours."""

from __future__ import annotations

import shutil
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from provision.lab.commands import run
from provision.lab.locks import held
from provision.places import find_cache

REQUIREMENTS = Path(__file__).parents[1] / "data" / "fakepve-requirements.txt"
HINT = "the lab's Proxmox API comes from the Python package index: check the network and pip's settings"


def ensure_environment() -> Path:
    """The environment's Python; made (about 10 s) where it is missing. Raises SetupError when it cannot be had.

    It is kept in the cache by what decides it: the locked requirements and the interpreter.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = sha256(f"{version} {sys.executable} {REQUIREMENTS.read_text()}".encode()).hexdigest()[:16]
    wanted = find_cache() / "fakepve" / key
    with held(wanted.parent / f".{key}.lock", forget=True):
        if not wanted.exists():
            _make(wanted)
    return wanted / "bin" / "python"


def _make(wanted: Path) -> None:
    """Installed beside its place and renamed: a killed run leaves nothing that looks whole."""
    for leftover in wanted.parent.glob(".new-*"):
        shutil.rmtree(leftover)
    folder = Path(tempfile.mkdtemp(prefix=".new-", dir=wanted.parent))
    run([sys.executable, "-m", "venv", str(folder)], hint="on Debian: apt-get install python3-venv")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(REQUIREMENTS)]
    run([*pip, *locked], hint=HINT)
    folder.chmod(0o755)
    folder.rename(wanted)
