"""A container image through the mirror's cache: copied by skopeo out of a stand-in of a registry, once, and checked."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.models.image import ContainerImage
from provision.pipeline.image_archives import ensure_image, find_image, mirrored_image
from provision.places import find_cache
from tests.stand_ins.image_registry import REPOSITORY, Registry, serve_registry

pytestmark = pytest.mark.lab

MIRROR = "http://10.0.0.5:8099"
SAID = {
    "layer": "Digest did not match",
    "manifest": "Manifest does not match provided manifest digest",
    "gone": "StatusCode: 404",
}
"""What skopeo says of each."""


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def image(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerImage]:
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path / "cache"))
    with serve_registry(registry) as host:
        settings = tmp_path / ".config" / "containers" / "registries.conf"
        settings.parent.mkdir(parents=True)
        settings.write_text(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n')
        monkeypatch.setenv("HOME", str(tmp_path))
        yield ContainerImage(
            name="tool",
            repository=f"{host}/{REPOSITORY}",
            tag="1.0",
            digest=registry.index,
            size_bytes=None,
            licence="MIT",
            sources=("the stand-in",),
            status="resolved",
        )


def unpack(archive: Path) -> dict[str, bytes]:
    plain = subprocess.run(["zstd", "-dcq", str(archive)], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(plain)) as members:
        files = {member.name: members.extractfile(member) for member in members if member.isfile()}
        return {name: file.read() for name, file in files.items() if file}


def test_the_archive_holds_the_pinned_image_of_the_machines_platform(registry: Registry, image: ContainerImage) -> None:
    archive = ensure_image(image, print)
    files = unpack(archive.path)
    (held,) = json.loads(files["manifest.json"])
    assert held["RepoTags"] == [f"{image.repository}:1.0"]
    assert f"sha256:{held['Config'].removesuffix('.json')}" == registry.configs["amd64"][1]
    with tarfile.open(fileobj=io.BytesIO(files[held["Layers"][0]])) as layer:
        content = layer.extractfile("platform")
        assert content is not None
        assert content.read() == b"amd64"


def test_it_is_fetched_once_and_machines_are_led_to_the_mirror(registry: Registry, image: ContainerImage) -> None:
    assert mirrored_image(image, MIRROR).reference == image.reference
    archive = ensure_image(image, print)
    registry.asked.clear()
    assert ensure_image(image, print) == archive
    assert registry.asked == []
    told = mirrored_image(image, MIRROR)
    assert told.reference == f"{image.repository}:1.0"
    assert (told.url, told.sha256) == (f"{MIRROR}/sha256/{archive.sha256}", archive.sha256)


@pytest.mark.parametrize("part", SAID)
def test_what_is_not_exactly_the_pinned_image_is_not_kept(registry: Registry, image: ContainerImage, part: str) -> None:
    if part == "layer":
        for digest, content in registry.blobs.items():
            registry.blobs[digest] = content + b" "
    elif part == "manifest":
        kind, content = registry.manifests[registry.index]
        registry.manifests[registry.index] = (kind, content + b" ")
    else:
        registry.manifests.clear()
    with pytest.raises(SetupError, match=SAID[part]):
        ensure_image(image, print)
    assert find_image(image) is None
    assert [path.name for path in find_cache().rglob("*") if path.is_file()] == []
