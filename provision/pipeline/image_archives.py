"""Container images in this machine's cache, for machines that reach no registry: what `docker load` reads, in zstd."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from provision.errors import SetupError
from provision.lab import bundles
from provision.lab.commands import run
from provision.models.image import ContainerImage
from provision.models.inventory import ServiceImage
from provision.models.lab import BuiltBundle

_SKOPEO = "apt install skopeo"
_PULL_S = 3600.0


def ensure_image(image: ContainerImage, note: Callable[[str], None]) -> BuiltBundle:
    """The archive of a pinned image, from the cache or copied now out of its registry.

    skopeo compares every part with the digest that it was asked by. Raises SetupError where skopeo is missing or the
    registry does not give exactly this.
    """
    return bundles.keep_bundle(_archive_id(image), partial(_copy, image, note))


def find_image(image: ContainerImage) -> BuiltBundle | None:
    """Its archive, if the cache has it."""
    return bundles.read_bundle(_archive_id(image))


def mirrored_image(image: ContainerImage, mirror: str) -> ServiceImage:
    """As machines get it: from the mirror where the cache that it is synced from has it, else from the registry."""
    archive = find_image(image)
    if archive is None:
        return ServiceImage(name=image.name, reference=image.reference)
    url = f"{mirror}/sha256/{archive.sha256}"
    return ServiceImage(name=image.name, reference=_loaded_name(image), url=url, sha256=archive.sha256)


def _archive_id(image: ContainerImage) -> str:
    if image.digest is None:
        raise SetupError(f"the image {image.name} has no digest", where=image.repository, hint="see provision lock")
    return f"image-{image.name}-{image.digest.removeprefix('sha256:')[:24]}"


def _loaded_name(image: ContainerImage) -> str:
    """`docker load` knows names and tags, no digest of a manifest: what is loaded is known by the archive's sha256."""
    return f"{image.repository}:{image.tag}"


def _copy(image: ContainerImage, note: Callable[[str], None], fresh: Path) -> None:
    note(f"fetching the image {image.name} {image.tag}")
    # Beside the target, which has room for it; /tmp may be memory.
    with tempfile.TemporaryDirectory(prefix=".image-", dir=fresh.parent) as folder:
        plain = Path(folder) / "image.tar"
        # No signature is asked for: the pinned digest says what it must be. Machines are x86-64, whatever this is.
        platform = ["--override-os", "linux", "--override-arch", "amd64"]
        target = f"docker-archive:{plain}:{_loaded_name(image)}"
        source = f"docker://{image.reference}"
        argv = ["skopeo", "copy", "--quiet", "--insecure-policy", *platform, source, target]
        run(argv, hint=f"{_SKOPEO}; does this machine reach {image.repository.split('/')[0]}?", timeout_s=_PULL_S)
        run(["zstd", "-q", "-f", "-T0", "-3", "-o", str(fresh), str(plain)], hint="apt install zstd; check the disk")
