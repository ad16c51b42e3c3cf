"""Container images: what is shipped is pinned by digest, and a file that says otherwise is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from provision.catalog import load_catalog
from provision.catalog.images import load_images, require_resolved_image
from provision.errors import ErrorGroup, ExitCode, SetupError
from provision.models.image import ContainerImage
from provision.pipeline import artifacts, container_images
from provision.pipeline.artifacts import require_pinned
from tests.unit.planner.tracing import with_tracing

DIGEST = f"sha256:{'a' * 64}"
IMAGE: dict[str, Any] = {
    "name": "thing",
    "repository": "registry.example/thing",
    "tag": "1.2.3",
    "digest": DIGEST,
    "size_bytes": None,
    "licence": "MIT",
    "sources": ("upstream",),
    "status": "resolved",
}
UNRESOLVED: dict[str, Any] = {"digest": None, "sources": (), "status": "unresolved"}


def test_every_image_that_a_service_runs_from_is_pinned() -> None:
    images = load_images()
    wanted = {name for service in load_catalog().services.values() for name in service.images}
    assert wanted == set(images)
    for image in images.values():
        require_resolved_image(image)
        assert image.reference == f"{image.repository}@{image.digest}"
    assert images["langfuse"].tag == images["langfuse-worker"].tag


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digest": "sha256:abc"}, "64 lower-case"),
        ({"digest": DIGEST.upper()}, "64 lower-case"),
        ({"tag": "latest"}, "one version"),
        ({"sources": ()}, "at least one source"),
        ({"status": "unresolved"}, "status is unresolved"),
        ({"digest": None, "status": "unresolved"}, "say nothing"),
        ({"repository": "thing"}, "name its registry"),
        ({"repository": "library/thing"}, "name its registry"),
    ],
)
def test_what_is_not_pinned_as_it_says_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ContainerImage.model_validate(IMAGE | changes)


def test_an_unresolved_one_may_stand_there_and_must_not_be_fetched() -> None:
    image = ContainerImage.model_validate(IMAGE | UNRESOLVED)
    with pytest.raises(SetupError) as refused:
        require_resolved_image(image)
    assert "registry.example/thing:1.2.3" in refused.value.hint


@pytest.mark.parametrize("text", ["- a list", "thing: {tag: 1}", "thing: text", "{"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "images.yml"
    path.write_text(text)
    with pytest.raises(SetupError) as refused:
        load_images(path)
    assert refused.value.where == str(path)


def test_a_live_plan_with_an_unresolved_image_is_refused_before_anything_happens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    plan = with_tracing(target="live")
    known = load_images()
    nobody = known["langfuse-redis"].model_copy(update=UNRESOLVED)
    monkeypatch.setattr(container_images, "load_images", lambda: {**known, "langfuse-redis": nobody})
    with pytest.raises(ErrorGroup) as refused:
        require_pinned(plan)
    assert [error.where for error in refused.value.errors if isinstance(error, SetupError)] == [
        "docker.io/library/redis:7.2.16"
    ]
    assert [image.name for image in artifacts.published_files(plan, None).images] == [
        name for name in known if name != "langfuse-redis"
    ]


def test_an_update_of_an_image_says_how_its_digest_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    from provision.cli.main import run

    assert run(["lock", "--update", "langfuse"]) == ExitCode.USAGE
    assert "imagetools inspect" in capsys.readouterr().err
    assert run(["lock", "langfuse"]) == 0
    assert "4.38.0" in capsys.readouterr().out
