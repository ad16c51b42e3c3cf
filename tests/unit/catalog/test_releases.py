"""Release ids follow every name and byte of a recipe, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.catalog.releases import release_id, unpacked_release_id
from provision.errors import SetupError
from provision.models.artifact import NodeArtifact


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "recipe"
    (folder / "more").mkdir(parents=True)
    (folder / "VERSION").write_text("1.2.3\n")
    (folder / "build.sh").write_text("true\n")
    (folder / "more" / "lock.txt").write_text("a==1\n")
    return folder


def test_id_is_version_and_twelve_hex(recipe: Path) -> None:
    assert re.fullmatch(r"1\.2\.3-[0-9a-f]{12}", release_id(recipe))
    assert release_id(recipe, "cuda") == f"{release_id(recipe)}-cuda"


def test_times_modes_and_compiled_python_do_not_count(recipe: Path) -> None:
    before = release_id(recipe)
    (recipe / "build.sh").chmod(0o755)
    (recipe / "build.sh").touch()
    (recipe / "more" / "__pycache__").mkdir()
    (recipe / "more" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert release_id(recipe) == before


def test_every_byte_and_name_counts(recipe: Path) -> None:
    seen = {release_id(recipe)}
    (recipe / "more" / "lock.txt").write_text("a==2\n")
    seen.add(release_id(recipe))
    (recipe / "more" / "lock.txt").rename(recipe / "more" / "lock2.txt")
    seen.add(release_id(recipe))
    (recipe / "more" / "lock2.txt").rename(recipe / "more2lock.txt")
    seen.add(release_id(recipe))
    assert len(seen) == 4


def test_bytes_do_not_wander_between_files(tmp_path: Path) -> None:
    ids = []
    for number, (one, two) in enumerate([("ab", "c"), ("a", "bc")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "VERSION").write_text("1")
        (folder / "build.sh").write_text(one)
        (folder / "c").write_text(two)
        ids.append(release_id(folder))
    assert ids[0] != ids[1]


@pytest.mark.parametrize("text", ["", "../evil", "1 2", "1/2", "a" * 42])
def test_hostile_version_is_refused(recipe: Path, text: str) -> None:
    (recipe / "VERSION").write_text(text)
    with pytest.raises(SetupError) as caught:
        release_id(recipe)
    assert "VERSION" in caught.value.where


@pytest.mark.parametrize("name", ["VERSION", "build.sh"])
def test_incomplete_recipe_is_refused(recipe: Path, name: str) -> None:
    (recipe / name).unlink()
    with pytest.raises(SetupError, match=name):
        release_id(recipe)


def pinned(hex_digits: str | None) -> NodeArtifact:
    url = "https://example.org/v2.0/thing.tar.gz"
    return NodeArtifact.model_validate(
        {
            "name": "thing",
            "version": "2.0",
            "file": "thing.tar.gz",
            "url": url,
            "checksum": {"algorithm": "sha256", "hex": hex_digits},
            "size_bytes": None,
            "licence": "MIT",
            "sources": ["somebody"] if hex_digits else [],
            "status": "resolved" if hex_digits else "unresolved",
            "resolve": {"url": f"{url}.sha256", "format": "single"},
        }
    )


def test_unpacked_release_is_named_after_upstream_and_follows_its_checksum(recipe: Path) -> None:
    (recipe / "VERSION").unlink()
    one, two = (unpacked_release_id(recipe, [pinned(digit * 64)]) for digit in "ab")
    assert re.fullmatch(r"2\.0-[0-9a-f]{12}", one)
    unresolved = unpacked_release_id(recipe, [pinned(None)])
    stand_in = unpacked_release_id(recipe, [pinned("a" * 64)], ["thing-1-000000000000"])
    other = unpacked_release_id(recipe, [pinned("a" * 64)], ["thing-1-000000000001"])
    assert re.fullmatch(r"2\.0-[0-9a-f]{12}-standin", stand_in)
    assert len({one, two, unresolved, stand_in, other}) == 5
