"""The lock of upstream's files: shows it, and compares it with what upstream publishes and serves."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Literal, NamedTuple

import httpx

from provision.catalog.images import load_images
from provision.catalog.node_artifacts import artifact, load_artifacts, read_overlay
from provision.errors import ProvisionError, SetupError, UnreachableError, UsageError
from provision.models.artifact import Checksum, LockChange, NodeArtifact, OverlayEntry
from provision.models.image import ContainerImage
from provision.pipeline.lock_age import read_last_modified, read_published, require_age
from provision.pipeline.lock_published import Published, find_published
from provision.pipeline.lock_signature import VERIFIED, verify_signature
from provision.places import overlay_file as overlay_file
from provision.runner.workspace import write_private

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
"""Seconds without a byte, not for the whole file."""
_MOST_OF_A_LIST = 4 * 2**20
_BLOCK = 2**20


class Update(NamedTuple):
    """What was found, and what went wrong with the others. Only what was found is written."""

    changes: tuple[LockChange, ...]
    errors: tuple[ProvisionError, ...]


def list_locked(name: str | None = None) -> tuple[NodeArtifact, ...]:
    """All of them, or one. Raises UsageError for an unknown name, SetupError for a lock that is refused."""
    if name is not None:
        return (artifact(name, overlay_file()),)
    return tuple(load_artifacts(overlay_file()).values())


def list_images(name: str | None = None) -> tuple[ContainerImage, ...]:
    """All container images, or the one of that name; none where a file of upstream has it. Raises SetupError."""
    return tuple(image for image in load_images().values() if name in (None, image.name))


def update_lock(name: str | None = None, pin: str | None = None, young: str | None = None) -> Update:
    """Fetch the published checksum and the file itself of one or all, compare, and write lock.json.

    `pin` asks for another version of the one that is named; `young` is the reason to take one that is younger than
    7 days. A file is hashed as it comes and is not kept. Raises UsageError, and SetupError where lock.json is refused
    or cannot be written.
    """
    if pin is not None and name is None:
        raise UsageError("--pin needs a name", where="lock", hint="provision lock --update NAME --pin VERSION")
    if young is not None and (name is None or not young.strip()):
        raise UsageError(
            "--allow-young needs a name and a reason",
            where="lock",
            hint="provision lock --update NAME --allow-young REASON",
        )
    if name is not None and list_images(name):
        raise UsageError(
            f"'{name}' is a container image, whose digest an update does not ask for",
            where="lock",
            hint="docker buildx imagetools inspect REPOSITORY:TAG tells it; see docs/tracing.md",
        )
    shipped, entries = load_artifacts(None), read_overlay(overlay_file())
    changes, errors = [], []
    for known in list_locked(name):
        try:
            change, entries[known.name] = _check(known, shipped[known.name], pin, young)
            changes.append(change)
        except ProvisionError as error:
            errors.append(error)
    if changes:
        _write(entries)
    return Update(tuple(changes), tuple(errors))


def _check(
    known: NodeArtifact, shipped: NodeArtifact, pin: str | None, young: str | None
) -> tuple[LockChange, OverlayEntry]:
    wanted = _choose(known, shipped, pin)
    with _client() as client:
        content = _fetch_small(client, wanted.resolve.url)
        signed = verify_signature(wanted.signature, content, partial(_fetch_small, client))
        text = content.decode("utf-8", errors="replace").replace("\r\n", "\n")
        published = find_published(text, wanted)
        if published.algorithm == wanted.checksum.algorithm:
            _compare_with_pin(wanted, published.hex)
        found, size, moment = _fetch_and_compare(client, wanted, published, read_published(text, wanted), young)
        _compare_with_pin(wanted, found)
    outcome: Literal["confirmed", "filled", "replaced"] = "confirmed" if wanted.checksum.hex else "filled"
    if wanted.version != known.version:
        outcome = "replaced"
    change = LockChange(
        name=wanted.name, version_before=known.version, version=wanted.version, algorithm=wanted.checksum.algorithm,
        before=known.checksum.hex, after=found, size_bytes=size, outcome=outcome, signature=signed,
        published=moment.date() if moment else None,
    )  # fmt: skip
    return change, _entry(wanted, shipped, change, young)


def _compare_with_pin(wanted: NodeArtifact, found: str) -> None:
    if wanted.checksum.hex not in (None, found):
        raise SetupError(
            f"{wanted.file}: upstream publishes {found}, pinned is {wanted.checksum.hex}",
            where=wanted.resolve.url,
            hint="do not use the file; one of the two is wrong: find out which before the pin is changed",
        )


def _choose(known: NodeArtifact, shipped: NodeArtifact, version: str | None) -> NodeArtifact:
    """What is known of that version; else the same file of another, which upstream names by the version alone."""
    if version is None or version == known.version:
        return known
    if version == shipped.version:
        return shipped
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+-]*", version):
        raise UsageError(f"'{version}' is no version", where="--pin", hint=f"for example {shipped.version}")
    named: dict[str, object] = {
        field: getattr(shipped, field).replace(shipped.version, version) for field in ("file", "url")
    }
    resolve = {"url": shipped.resolve.url.replace(shipped.version, version), "format": shipped.resolve.format}
    unknown = {"checksum": {"algorithm": shipped.checksum.algorithm, "hex": None}, "size_bytes": None, "sources": ()}
    if shipped.signature:
        url = shipped.signature.url.replace(shipped.version, version)
        named["signature"] = shipped.signature.model_copy(update={"url": url})
    new = named | unknown | {"version": version, "resolve": resolve, "status": "unresolved"}
    return NodeArtifact.model_validate(shipped.model_dump() | new)


def _entry(wanted: NodeArtifact, shipped: NodeArtifact, found: LockChange, young: str | None) -> OverlayEntry:
    plain = wanted.resolve.url.startswith("http://") and found.signature != VERIFIED
    unsigned = " (plain http, its signature not checked)" if plain else ""
    source = f"{wanted.resolve.url}{unsigned}, and the file itself, on {datetime.now(UTC):%Y-%m-%d}"
    if young and found.outcome != "confirmed":
        source += f"; taken without waiting for 7 days: {young}"
    learnt = {
        "checksum": Checksum(algorithm=wanted.checksum.algorithm, hex=found.after),
        "size_bytes": found.size_bytes,
        "published": found.published,
        "sources": (source,),
        "status": "resolved",
        "replaces": shipped.version if wanted.version != shipped.version else None,
    }
    return OverlayEntry.model_validate(wanted.model_dump() | learnt)


def _fetch_small(client: httpx.Client, url: str) -> bytes:
    content = b""
    with _get(client, url) as response:
        for block in response.iter_bytes(_BLOCK):
            content += block
            if len(content) > _MOST_OF_A_LIST:
                raise SetupError(
                    "upstream's list of checksums is longer than 4 MiB",
                    where=url,
                    hint="see with curl what is served there; it may be a page of a proxy",
                )
    return content


def _fetch_and_compare(
    client: httpx.Client, wanted: NodeArtifact, published: Published, moment: datetime | None, young: str | None
) -> tuple[str, int, datetime | None]:
    """Checksum in the lock's algorithm and size in bytes of the file that was found to be the published one, and since
    when it is published.

    Raises SetupError, also for one that is too young; a pin that is only confirmed may be of any age.
    """
    ours, size = hashlib.new(wanted.checksum.algorithm), 0
    theirs = ours if published.algorithm == wanted.checksum.algorithm else published.start_digest()
    with _get(client, wanted.url) as response:
        moment = moment or read_last_modified(response.headers.get("Last-Modified"))
        if wanted.checksum.hex is None:
            require_age(wanted, moment, young)
        for block in response.iter_raw(_BLOCK):
            for digest in {ours, theirs}:
                digest.update(block)
            size += len(block)
    if theirs.hexdigest() != published.hex:
        raise SetupError(
            f"{wanted.file} is not what upstream publishes: {size} bytes with {theirs.hexdigest()}, not "
            f"{published.hex} ({published.algorithm})",
            where=wanted.url,
            hint="do not use the file; try again later or over another network, a mirror may be out of date",
        )
    return ours.hexdigest(), size, moment


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
