"""Files that machines need from upstream, each pinned by a checksum that somebody published."""

from __future__ import annotations

import re
from datetime import date
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

    `sums`: lines of 'HEX  FILE', as sha512sum writes them. `single`: the file's own list, which may leave its name
    out. `aplinfo`: the index of Proxmox' templates, paragraphs of 'Field: value' (README.format in pve-manager's
    aplinfo folder). `github`: a release as GitHub's REST API describes it, whose assets have a `digest`.
    `huggingface`: the files of a repository as the hub's API lists them, whose large ones have `lfs.oid`, a sha256, and
    the others their id in git. `tiktoken`: the program text in which OpenAI's tokenizer names its files' checksums.
    """

    url: str
    format: Literal["sums", "single", "aplinfo", "github", "huggingface", "tiktoken"]


class Signature(Frozen):
    """Upstream's signature of its list of checksums, where it has one.

    `url`: the detached signature. `keys`: full fingerprints, of which one must have signed. `source`: who says so.
    """

    kind: Literal["gpg", "minisign", "sigstore"]
    url: str
    keys: tuple[str, ...]
    source: str


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
    published: date | None = None
    """When upstream published it; None where nobody looked."""
    signature: Signature | None = None
    """None: we know of none."""

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


class CheckpointFile(Frozen):
    sha256: str
    size_bytes: int


class PinnedCheckpoint(Frozen):
    """A folder of files that vLLM reads, from one revision of a repository of the hub, each known by its sha256."""

    repository: str
    revision: str
    licence: str
    sources: tuple[str, ...]
    files: dict[str, CheckpointFile]

    def list_artifacts(self, folder: str) -> dict[str, NodeArtifact]:
        """Each file as the lock knows it, by FOLDER/NAME."""
        listed = f"https://huggingface.co/api/models/{self.repository}/tree/{self.revision}?expand=True"
        return {
            f"{folder}/{name}": NodeArtifact(
                name=f"{folder}/{name}",
                version=self.revision,
                file=name,
                url=f"https://huggingface.co/{self.repository}/resolve/{self.revision}/{name}",
                checksum=Checksum(algorithm="sha256", hex=file.sha256),
                size_bytes=file.size_bytes,
                licence=self.licence,
                sources=self.sources,
                status="resolved",
                resolve=Publication(url=listed, format="huggingface"),
            )
            for name, file in self.files.items()
        }


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
    published: date | None = None
    signature: str = "none known"
    """'verified', 'none known', or 'not verified: REASON'."""


class Mirrored(Frozen):
    """One file that machines of a profile will ask the mirror for. `sha256` None: it could not be had or built."""

    name: str
    sha256: str | None
    size_bytes: int | None
    outcome: Literal["present", "fetched", "built", "missing"]
