"""Container images of upstream, each pinned by the digest of its manifest list."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import model_validator

from provision.models.base import Frozen


class ContainerImage(Frozen):
    """One image by its exact tag. `digest`: "sha256:" and 64 hex digits; None: nobody has pinned it yet.

    Engines fetch it by `reference`, so the tag only tells people the version.
    """

    name: str
    repository: str
    tag: str
    digest: str | None
    size_bytes: int | None
    licence: str
    sources: tuple[str, ...]
    status: Literal["resolved", "unresolved"]

    @model_validator(mode="after")
    def _is_pinned_as_it_says(self) -> Self:
        if self.digest is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", self.digest):
            raise ValueError("a digest is sha256: and 64 lower-case hexadecimal digits")
        if (self.digest is not None and bool(self.sources)) != (self.status == "resolved"):
            raise ValueError(f"status is {self.status}: resolved means a digest and at least one source")
        if self.digest is None and self.sources:
            raise ValueError("sources without a digest say nothing")
        if self.tag == "latest" or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", self.tag):
            raise ValueError("the tag must name one version")
        if "/" not in self.repository or "." not in self.repository.split("/")[0]:
            raise ValueError("the repository must name its registry, such as docker.io/library/postgres")
        return self

    @property
    def reference(self) -> str:
        """How a container engine fetches exactly this one. Only for a resolved image."""
        return f"{self.repository}@{self.digest}"
