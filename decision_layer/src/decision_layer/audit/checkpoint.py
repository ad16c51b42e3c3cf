"""Signed statements of how long the log is and how it ends, kept beside it and in a second place.

A hash chain says nothing about its own tail: without checkpoints a log that was cut is a shorter, perfect log. Each
checkpoint has a number and the hash of the one before, so that a cut or thinned checkpoint file shows too.

A place is a directory with `checkpoints.jsonl` (only ever appended to, fsync after each line) and `latest.json` (the
last line again, replaced by an atomic rename). The second place belongs on another file system, better on another
machine that the gateway may write to but not rewrite.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from decision_layer.audit import canonical, chain
from decision_layer.audit.chain import Stored
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.record import Count, Time, utc_now

LINES, LATEST = "checkpoints.jsonl", "latest.json"


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`entries` is the number of rows, which is also the seq of the last; `head` its hash, hex like all others."""

    number: Count
    previous: str  # SHA-256 of the line before, "" for the first
    at: Time
    entries: Count
    head: str
    policy_sha256: str
    key_id: str
    signature: str = ""

    def line(self) -> bytes:
        """The canonical bytes that stand in the file."""
        return canonical.encode_plain(self)


_decoder = msgspec.json.Decoder(Checkpoint)


def make(last: Checkpoint | None, stored: Stored, policy_sha256: str, keys: AuditKeys) -> Checkpoint:
    """The signed checkpoint that follows `last`; without a policy hash it carries on the one before."""
    plain = Checkpoint(
        number=last.number + 1 if last else 1,
        previous=chain.digest(last.line()).hex() if last else "",
        at=utc_now(),
        entries=stored.seq,
        head=stored.hash.hex(),
        policy_sha256=policy_sha256 or (last.policy_sha256 if last else ""),
        key_id=keys.key_id,
    )
    return msgspec.structs.replace(plain, signature=keys.signer.sign(plain.line()).hex())


def signed(checkpoint: Checkpoint, publics: dict[str, Ed25519PublicKey]) -> bool:
    """Whether the signature is good and by one of these keys."""
    public = publics.get(checkpoint.key_id)
    if public is None:
        return False
    try:
        plain = msgspec.structs.replace(checkpoint, signature="")
        public.verify(bytes.fromhex(checkpoint.signature), plain.line())
    except (InvalidSignature, ValueError):
        return False
    return True


def read(place: Path) -> tuple[list[Checkpoint], list[str]]:
    """The checkpoints of a place in file order, and where `latest.json` contradicts them.

    A line that cannot be read is passed over: a crash leaves a torn one, and whatever else made it unreadable leaves
    a gap in the numbers. A missing file is an empty one; OSError when it is there and cannot be read.
    """
    found = [one for line in _lines(place / LINES) if (one := _parse(line))]
    latest = next((one for line in _lines(place / LATEST) if (one := _parse(line))), None)
    if latest and (not found or latest.number > found[-1].number):
        return [*found, latest], [f"{LINES} lacks checkpoint {latest.number}, which {LATEST} holds"]
    # A crash between the two writes leaves latest.json one behind.
    if len(found) > 1 and (latest is None or latest not in found[-2:]):
        return found, [f"{LATEST} is not the last line of {LINES}"]
    return found, []


def _parse(line: bytes) -> Checkpoint | None:
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def newest(place: Path) -> Checkpoint | None:
    """The checkpoint with the highest number in a place, from the end of its files; OSError as in read()."""
    lines = [*_lines(place / LINES, last=8192), *_lines(place / LATEST)]
    return max((one for line in lines if (one := _parse(line))), key=lambda one: one.number, default=None)


def add(place: Path, checkpoints: list[Checkpoint]) -> None:
    """Append to a place, durable on return; AuditUnavailableError when that cannot be done."""
    try:
        lines = place / LINES
        torn = lines.exists() and lines.stat().st_size > 0 and _last_byte(lines) != b"\n"
        with lines.open("ab") as file:
            file.write((b"\n" if torn else b"") + b"".join(checkpoint.line() + b"\n" for checkpoint in checkpoints))
            file.flush()
            os.fsync(file.fileno())
        fresh = place / f".{LATEST}.{os.getpid()}"
        with fresh.open("wb") as file:
            file.write(checkpoints[-1].line() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(place / LATEST)
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise AuditUnavailableError(
            f"a checkpoint cannot be written: {error.strerror}",
            where=str(place),
            hint="is the second place mounted, writable and not full? Checkpoints are made up for once it is",
        ) from error


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Only one process numbers checkpoints at a time."""
    with (place / ".checkpoints.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lines(path: Path, last: int = 0) -> list[bytes]:
    try:
        with path.open("rb") as file:
            if last:
                file.seek(max(0, file.seek(0, os.SEEK_END) - last))
            return [line for line in file.read().split(b"\n") if line]
    except FileNotFoundError:
        return []


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
