"""The lock of what a node needs: shows it, and compares it with what upstream publishes and serves."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import httpx

from provision.catalog.node_artifacts import artifact, load_artifacts, read_overlay
from provision.errors import ProvisionError, SetupError, UnreachableError, UsageError
from provision.models.artifact import HEX_DIGITS, Checksum, LockChange, NodeArtifact, OverlayEntry
from provision.places import find_home
from provision.runner.workspace import write_private

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
"""Seconds without a byte, not for the whole file."""
_MOST_OF_A_LIST = 4 * 2**20
_BLOCK = 2**20


class Update(NamedTuple):
    """What was found, and what went wrong with the others. Only what was found is written."""

    changes: tuple[LockChange, ...]
    errors: tuple[ProvisionError, ...]


def overlay_file() -> Path:
    """Where the user's own pins lie, over those that are shipped."""
    return find_home() / "lock.json"


def list_locked(name: str | None = None) -> tuple[NodeArtifact, ...]:
    """All of them, or one. Raises UsageError for an unknown name, SetupError for a lock that is refused."""
    if name is not None:
        return (artifact(name, overlay_file()),)
    return tuple(load_artifacts(overlay_file()).values())


def update_lock(name: str | None = None, pin: str | None = None) -> Update:
    """Fetch the published checksum and the file itself of one or all, compare, and write lock.json.

    `pin` asks for another version of the one that is named. A file is hashed as it comes and is not kept. Raises
    UsageError, and SetupError where lock.json is refused or cannot be written.
    """
    if pin is not None and name is None:
        raise UsageError("--pin needs a name", where="lock", hint="provision lock --update NAME --pin VERSION")
    shipped, entries = load_artifacts(None), read_overlay(overlay_file())
    changes, errors = [], []
    for known in list_locked(name):
        try:
            change, entries[known.name] = _check(known, shipped[known.name], pin)
            changes.append(change)
        except ProvisionError as error:
            errors.append(error)
    if changes:
        _write(entries)
    return Update(tuple(changes), tuple(errors))


def _check(known: NodeArtifact, shipped: NodeArtifact, pin: str | None) -> tuple[LockChange, OverlayEntry]:
    wanted = _choose(known, shipped, pin)
    with _client() as client:
        published = _find_published(_fetch_list(client, wanted), wanted)
        if wanted.checksum.hex not in (None, published):
            raise SetupError(
                f"{wanted.file}: upstream publishes {published}, pinned is {wanted.checksum.hex}",
                where=wanted.resolve.url,
                hint="do not use the file; one of the two is wrong: find out which before the pin is changed",
            )
        size = _fetch_and_compare(client, wanted, published)
    outcome: Literal["confirmed", "filled", "replaced"] = "confirmed" if wanted.checksum.hex else "filled"
    if wanted.version != known.version:
        outcome = "replaced"
    change = LockChange(
        name=wanted.name, version_before=known.version, version=wanted.version, algorithm=wanted.checksum.algorithm,
        before=known.checksum.hex, after=published, size_bytes=size, outcome=outcome,
    )  # fmt: skip
    return change, _entry(wanted, shipped, published, size)


def _choose(known: NodeArtifact, shipped: NodeArtifact, version: str | None) -> NodeArtifact:
    """What is known of that version; else the same file of another, which upstream names by the version alone."""
    if version is None or version == known.version:
        return known
    if version == shipped.version:
        return shipped
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+-]*", version):
        raise UsageError(f"'{version}' is no version", where="--pin", hint=f"for example {shipped.version}")
    named = {field: getattr(shipped, field).replace(shipped.version, version) for field in ("file", "url")}
    resolve = {"url": shipped.resolve.url.replace(shipped.version, version), "format": shipped.resolve.format}
    unknown = {"checksum": {"algorithm": shipped.checksum.algorithm, "hex": None}, "size_bytes": None, "sources": ()}
    new = named | unknown | {"version": version, "resolve": resolve, "status": "unresolved"}
    return NodeArtifact.model_validate(shipped.model_dump() | new)


def _entry(wanted: NodeArtifact, shipped: NodeArtifact, published: str, size: int) -> OverlayEntry:
    unsigned = " (plain http, its signature not checked)" if wanted.resolve.url.startswith("http://") else ""
    source = f"{wanted.resolve.url}{unsigned}, and the file itself, on {datetime.now(UTC):%Y-%m-%d}"
    learnt = {
        "checksum": Checksum(algorithm=wanted.checksum.algorithm, hex=published),
        "size_bytes": size,
        "sources": (source,),
        "status": "resolved",
        "replaces": shipped.version if wanted.version != shipped.version else None,
    }
    return OverlayEntry.model_validate(wanted.model_dump() | learnt)


def _find_published(text: str, wanted: NodeArtifact) -> str:
    """The checksum of the file in upstream's list. Raises SetupError where the list does not name it exactly once."""
    digits = HEX_DIGITS[wanted.checksum.algorithm]
    if wanted.resolve.format == "sums":
        lines = re.findall(rf"^([0-9a-fA-F]{{{digits}}}) [ *](\S+)$", text, re.MULTILINE)
        found: set[str] = {digest.lower() for digest, file in lines if file == wanted.file}
    else:
        found = set(_read_aplinfo(text, wanted.file, f"{wanted.checksum.algorithm}sum", digits))
    if len(found) != 1:
        raise SetupError(
            f"upstream's list has {len(found) or 'no'} checksums of {wanted.file}",
            where=wanted.resolve.url,
            hint=f"it may be gone: choose another with provision lock --update {wanted.name} --pin VERSION",
        )
    return found.pop()


def _read_aplinfo(text: str, file: str, field: str, digits: int) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(\w[\w-]*): *(\S+) *$", paragraph, re.MULTILINE))
        digest = fields.get(field, "").lower()
        if fields.get("Location", "").split("/")[-1] == file and re.fullmatch(f"[0-9a-f]{{{digits}}}", digest):
            yield digest


def _fetch_list(client: httpx.Client, wanted: NodeArtifact) -> str:
    content = b""
    with _get(client, wanted.resolve.url) as response:
        for block in response.iter_bytes(_BLOCK):
            content += block
            if len(content) > _MOST_OF_A_LIST:
                raise SetupError(
                    "upstream's list of checksums is longer than 4 MiB",
                    where=wanted.resolve.url,
                    hint="see with curl what is served there; it may be a page of a proxy",
                )
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n")


def _fetch_and_compare(client: httpx.Client, wanted: NodeArtifact, published: str) -> int:
    """Size in bytes of the file whose checksum was found to be the published one. Raises SetupError."""
    digest, size = hashlib.new(wanted.checksum.algorithm), 0
    with _get(client, wanted.url) as response:
        for block in response.iter_raw(_BLOCK):
            digest.update(block)
            size += len(block)
    if digest.hexdigest() != published:
        raise SetupError(
            f"{wanted.file} is not what upstream publishes: {size} bytes with {digest.hexdigest()}, not {published}",
            where=wanted.url,
            hint="do not use the file; try again later or over another network, a mirror may be out of date",
        )
    return size


@contextmanager
def open_url(url: str) -> Iterator[httpx.Response]:
    """The answer as it streams. Raises UnreachableError as the lock's own downloads do."""
    with _client() as client, _get(client, url) as response:
        yield response


def _client() -> httpx.Client:
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=True)


@contextmanager
def _get(client: httpx.Client, url: str) -> Iterator[httpx.Response]:
    """A successful answer as it streams. Raises UnreachableError for what the network or the server does wrong."""
    hint = "try again from a machine that reaches it: lock.json may be copied to PROVISION_HOME of another"
    try:
        with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if url.startswith("https:") and response.url.scheme != "https":
                raise UnreachableError(f"it was redirected to plain {response.url}", where=url, hint=hint)
            response.raise_for_status()
            yield response
    except httpx.HTTPStatusError as error:
        what = f"upstream answers {error.response.status_code} {error.response.reason_phrase}"
        raise UnreachableError(what.rstrip(), where=url, hint="look whether upstream still has this version") from error
    except httpx.TimeoutException as error:
        raise UnreachableError("upstream did not answer in time", where=url, hint=hint) from error
    except httpx.HTTPError as error:
        raise UnreachableError(f"it cannot be fetched: {error}", where=url, hint=hint) from error


def _write(entries: dict[str, OverlayEntry]) -> None:
    content = {name: entry.model_dump(mode="json") for name, entry in sorted(entries.items())}
    path = overlay_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise SetupError(
            f"the lock cannot be written: {error.strerror}",
            where=str(path),
            hint="set PROVISION_HOME to your own folder",
        ) from error
