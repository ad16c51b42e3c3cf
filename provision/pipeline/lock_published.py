"""What upstream's own list says of a file: each form in which checksums are published."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from provision.errors import SetupError
from provision.models.artifact import HEX_DIGITS, Algorithm, NodeArtifact


class Published(NamedTuple):
    """`hex` of a file in `algorithm`. `git`: the id of a blob, a SHA-1 over its size and its content."""

    algorithm: Algorithm | Literal["git"]
    hex: str
    size: int = 0
    """Bytes, where the algorithm is `git`."""

    def start_digest(self) -> Any:
        """What the file's content is fed to; a hashlib object."""
        if self.algorithm == "git":
            return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
        return hashlib.new(self.algorithm)


def find_published(text: str, wanted: NodeArtifact) -> Published:
    """The checksum of the file in upstream's list. Raises SetupError where the list does not name it exactly once."""
    found = set(_read_list(text, wanted))
    if len(found) != 1:
        raise SetupError(
            f"upstream's list has {len(found) or 'no'} checksums of {wanted.file}",
            where=wanted.resolve.url,
            hint=f"it may be gone: choose another with provision lock --update {wanted.name} --pin VERSION",
        )
    return found.pop()


def _read_list(text: str, wanted: NodeArtifact) -> Iterator[Published]:
    algorithm = wanted.checksum.algorithm
    if wanted.resolve.format == "huggingface":
        yield from _read_hub(text, wanted.file)
        return
    digits = HEX_DIGITS[algorithm]
    found: set[str]
    if wanted.resolve.format == "sums":
        lines = re.findall(rf"^([0-9a-fA-F]{{{digits}}}) [ *](\S+)$", text, re.MULTILINE)
        found = {digest.lower() for digest, file in lines if file.removeprefix("./") == wanted.file}
    elif wanted.resolve.format == "single":
        alone = re.fullmatch(rf"([0-9a-fA-F]{{{digits}}})( [ *](\S+))?\s*", text)
        found = {alone[1].lower()} if alone and alone[3] in (None, wanted.file) else set()
    elif wanted.resolve.format == "tiktoken":
        named = rf'"{re.escape(wanted.url)}",\s*expected_hash="([0-9a-f]{{{digits}}})"'
        found = set(re.findall(named, text))
    elif wanted.resolve.format == "github":
        found = set(_read_github(text, wanted))
    else:
        found = set(_read_aplinfo(text, wanted.file, f"{algorithm}sum", digits))
    yield from (Published(algorithm, digest) for digest in found)


def _read_github(text: str, wanted: NodeArtifact) -> Iterator[str]:
    """The digest of the release's asset of that name ("sha256:HEX"; docs.github.com, REST API, release assets)."""
    try:
        assets = json.loads(text)["assets"]
        named = [asset for asset in assets if asset["name"] == wanted.file]
    except (ValueError, TypeError, LookupError):
        return
    for asset in named:
        algorithm, _, digest = str(asset.get("digest") or "").partition(":")
        if algorithm == wanted.checksum.algorithm and len(digest) == HEX_DIGITS[wanted.checksum.algorithm]:
            yield digest.lower()


def _read_hub(text: str, file: str) -> Iterator[Published]:
    """The repository's file of that path: a large one's sha256, of another one its id in git.

    Source: huggingface_hub, RepoFile: `lfs.sha256` is the API's lfs.oid, `blob_id` its oid.
    """
    try:
        entries = [entry for entry in json.loads(text) if entry.get("path") == file]
    except (ValueError, TypeError, AttributeError):
        return
    for entry in entries:
        large = entry.get("lfs")
        oid = str((large if isinstance(large, dict) else entry).get("oid")).lower()
        if large and re.fullmatch(r"[0-9a-f]{64}", oid):
            yield Published("sha256", oid)
        elif not large and re.fullmatch(r"[0-9a-f]{40}", oid) and isinstance(entry.get("size"), int):
            yield Published("git", oid, entry["size"])


def _read_aplinfo(text: str, file: str, field: str, digits: int) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(\w[\w-]*): *(\S+) *$", paragraph, re.MULTILINE))
        digest = fields.get(field, "").lower()
        if fields.get("Location", "").split("/")[-1] == file and re.fullmatch(f"[0-9a-f]{{{digits}}}", digest):
            yield digest
