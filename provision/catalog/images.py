"""The container images that services are run from: what is shipped, known by digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from provision.errors import SetupError
from provision.models.image import ContainerImage

_FILE = Path(__file__).parent / "data" / "images.yml"


def load_images(path: Path = _FILE) -> dict[str, ContainerImage]:
    """All by name, in the file's order. Raises SetupError where the file is not in order."""
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = {name: {"name": name} | entry for name, entry in content.items()}
        return TypeAdapter(dict[str, ContainerImage]).validate_python(entries)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (OSError, TypeError, AttributeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
    raise SetupError(
        f"the list of images cannot be read: {reason}", where=str(path), hint="the checkout is damaged: fetch it again"
    )


def require_resolved_image(image: ContainerImage) -> None:
    """Raises SetupError where nobody has pinned the image: it must not be fetched."""
    if image.status != "resolved":
        raise SetupError(
            f"the image {image.name} {image.tag} has no pinned digest",
            where=f"{image.repository}:{image.tag}",
            hint=f"on a machine that reaches the registry: docker buildx imagetools inspect {image.repository}:"
            f"{image.tag}; write its digest, with where it comes from, into provision/catalog/data/images.yml",
        )
