"""Files that a Proxmox node needs from elsewhere, each pinned by a checksum that somebody published."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import model_validator

from provision.models.base import Frozen

Algorithm = Literal["sha256", "sha512"]
HEX_DIGITS: dict[Algorithm, int] = {"sha256": 64, "sha512": 128}


class Checksum(Frozen):
    """`hex` in lower case, as long as its algorithm makes it; None: nobody has pinned it yet."""

    algorithm: Algorithm
    hex: str | None

    @model_validator(mode="after")
    def _is_one_of_its_algorithm(self) -> Self:
        digits = HEX_DIGITS[self.algorithm]
        if self.hex is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", self.hex):
            raise ValueError(f"a {self.algorithm} is {digits} lower-case hexadecimal digits")
        return self


class Publication(Frozen):
    """Where upstream publishes the checksum.

    `sums`: lines of 'HEX  FILE', as sha512sum writes them. `aplinfo`: the index of Proxmox' templates, paragraphs of
    'Field: value' (README.format in pve-manager's aplinfo folder).
    """

    url: str
    format: Literal["sums", "aplinfo"]


class NodeArtifact(Frozen):
    """One file of upstream, by its exact version. Resolved: `checksum.hex` is set and `sources` says by whom."""

    name: str
    version: str
    file: str
    url: str
    checksum: Checksum
    size_bytes: int | None
    licence: str
    sources: tuple[str, ...]
    status: Literal["resolved", "unresolved"]
    resolve: Publication

    @model_validator(mode="after")
    def _status_is_true(self) -> Self:
        resolved = self.checksum.hex is not None and bool(self.sources)
        if resolved != (self.status == "resolved"):
            raise ValueError(f"status is {self.status}: resolved means a checksum and at least one source")
        if self.checksum.hex is None and self.sources:
            raise ValueError("sources without a checksum say nothing")
        if self.version not in self.url or not self.url.endswith(f"/{self.file}"):
            raise ValueError("url must name the version and end in the file")
        return self


class OverlayEntry(NodeArtifact):
    """An entry of the user's lock.json. `replaces`: the shipped version that the user chose this one instead of."""

    replaces: str | None = None


class LockChange(Frozen):
    """What one update found. Hex digests of `algorithm`; `before` None where nothing was pinned."""

    name: str
    version_before: str
    version: str
    algorithm: Algorithm
    before: str | None
    after: str
    size_bytes: int
    outcome: Literal["confirmed", "filled", "replaced"]
