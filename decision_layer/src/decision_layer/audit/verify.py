"""Reads the whole log and both sets of checkpoints and says everything that does not fit.

With the secret every entry's mark is checked and the log is covered to its last row. With the public key alone the
chain is checked, and what comes after the last checkpoint is told as not covered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from decision_layer.audit import chain, checkpoint
from decision_layer.audit.backend import Backend, DamagedError, Link
from decision_layer.audit.checkpoint import Checkpoint
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.verify_rows import COLUMNS, Rows, Trouble

_AT_ONCE = 200  # rows; more fall out of the processor's cache before they are hashed
_MOST = 200  # troubles kept; more say nothing new
_PATIENCE_S = 900  # a checkpoint is due every minute; this long without one is no accident


@dataclass
class Report:
    """What was found. `entries` were read; `attested` of them are under a checkpoint, `marked` bear a good mark."""

    entries: int = 0
    attested: int = 0
    attested_at: str = ""
    marked: int = 0
    checkpoints: int = 0
    places: int = 0
    behind: int = 0  # checkpoints that one of the places does not have yet
    removed_bodies: int = 0
    bare_since: int = 0  # microseconds since 1970 of the first entry after the last checkpoint, 0 for none
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def not_covered(self) -> str:
        """What a cut or a re-stamping would not show, "" for nothing; in words, for people."""
        bare = self.entries - max(self.attested, self.marked)
        since = f"since the checkpoint of {self.attested_at}" if self.attested else "since ever: there is no checkpoint"
        parts = [f"{bare} entries {since} may have been re-stamped: no secret was given"] if bare > 0 else []
        if self.entries > self.attested or not self.attested:
            parts.append(f"entries cut off at the end {since}")
        return "; ".join(parts)


def verify(
    backend: Backend,
    second_place: Path | None,
    publics: dict[str, Ed25519PublicKey],
    keys: AuditKeys | None = None,
    now: float | None = None,
) -> Report:
    """Check everything; `now` is seconds since 1970. OSError or DatabaseError when nothing can be checked at all."""
    now = time.time() if now is None else now
    report = Report()
    directory, log = backend.directory, backend.log
    places = [directory, second_place] if second_place else [directory]
    attested = _checkpoints(places, publics, report, now)
    if not backend.has_log():
        if not attested:
            raise FileNotFoundError(2, "neither a log nor a checkpoint of one", str(directory))
        report.troubles.append(Trouble("missing", log, f"the log is gone; {len(attested)} checkpoints attest it"))
        return report
    try:
        _rows(backend, attested, keys, report)
    except DamagedError as error:
        report.troubles.append(Trouble("damaged", log, f"it cannot be read to the end: {error}"))
    last = attested[max(attested)] if attested else None
    if last and report.entries < last.entries:
        what = f"ends with entry {report.entries}; checkpoint {last.number} of {last.at:%F %T}Z attests {last.entries}"
        report.troubles.append(Trouble("truncated", log, what))
    if report.bare_since and now - report.bare_since / 1e6 > _PATIENCE_S:
        what = f"{report.entries - report.attested} entries are under no checkpoint, the first older than 15 minutes"
        report.troubles.append(Trouble("unattested", log, what))
    del report.troubles[_MOST:]
    return report


def _checkpoints(
    places: list[Path], publics: dict[str, Ed25519PublicKey], report: Report, now: float
) -> dict[int, Checkpoint]:
    """Every genuine checkpoint by its number of entries, from all places together."""
    by_number: dict[int, Checkpoint] = {}
    kept: dict[Path, set[int]] = {}
    for place in places:
        read, bad = checkpoint.read(place)
        report.troubles += [Trouble("edited", str(place), what) for what in bad]
        _sequence(place, read, publics, report)
        kept[place] = {one.number for one in read}
        for one in read:
            if checkpoint.signed(one, publics) and by_number.setdefault(one.number, one) != one:
                report.troubles.append(Trouble("forked", str(place), f"checkpoint {one.number} differs between places"))
    for place, numbers in kept.items():
        lacking = [one for one in by_number.values() if one.number > max(numbers, default=0)]
        # A crash between the two places, or a second place that was away a moment, is made up for at the next start.
        if lacking and now - min(one.at for one in lacking).timestamp() > _PATIENCE_S:
            what = f"lacks the last {len(lacking)} checkpoints, which the other place has: cut, or long out of reach"
            report.troubles.append(Trouble("truncated", str(place), what))
        report.behind += len(lacking)
    report.checkpoints, report.places = len(by_number), sum(1 for numbers in kept.values() if numbers)
    return {one.entries: one for one in by_number.values()}


def _sequence(place: Path, read: list[Checkpoint], publics: dict[str, Ed25519PublicKey], report: Report) -> None:
    previous: Checkpoint | None = None
    for one in read:
        where = f"{place / checkpoint.LINES}, checkpoint {one.number}"
        if not checkpoint.signed(one, publics):
            report.troubles.append(Trouble("forged", where, "its signature is not by one of the given keys"))
        if one.number != (previous.number + 1 if previous else 1):
            before = previous.number if previous else 0
            report.troubles.append(Trouble("missing", where, f"follows checkpoint {before}: some are gone"))
        elif one.previous != (chain.digest(previous.line()).hex() if previous else ""):
            report.troubles.append(Trouble("edited", where, "does not continue the checkpoint before it"))
        if previous and one.entries <= previous.entries:
            report.troubles.append(Trouble("edited", where, "attests no more entries than the one before it"))
        previous = one


def _rows(backend: Backend, attested: dict[int, Checkpoint], keys: AuditKeys | None, report: Report) -> None:
    with backend.read_log() as link:
        if not link.is_ours():
            what = "defines tables, triggers or views that are not ours"
            report.troubles.append(Trouble("edited", backend.log, what))
        key_ids = _key_ids(backend)
        rows = Rows(backend.log, attested, keys)
        with link.snapshot():
            read_rows(link, rows)
        report.entries, report.marked = rows.last_seq, rows.marked
        report.attested, report.removed_bodies = rows.attested, rows.removed_bodies
        report.bare_since = rows.bare_since
        if report.attested:
            report.attested_at = f"{attested[report.attested].at:%F %T}Z"
        # Keys of before and after: neither a key made meanwhile nor one destroyed meanwhile is a trouble.
        rows.finish({**_key_ids(backend), **key_ids} if keys or backend.has_keys() else None)
        report.troubles += rows.troubles
        report.troubles += [Trouble("damaged", backend.log, f"integrity check: {said}") for said in link.damage()]


def read_rows(link: Link, rows: Rows) -> None:
    """Check what this connection sees, up to so many troubles. DatabaseError."""
    for batch in link.stream(f"SELECT {COLUMNS} FROM entries ORDER BY seq", at_once=_AT_ONCE):  # noqa: S608
        rows.check(batch)
        if len(rows.troubles) > _MOST:
            break


def _key_ids(backend: Backend) -> dict[bytes, bool]:
    """Which keys exist, and whether each still opens something; none where they are not here (an auditor's copy)."""
    if not backend.has_keys():
        return {}
    with backend.read_keys() as link:
        stream = link.stream("SELECT key_id, wrapped FROM keys")
        return {bytes(name): bool(wrapped) for rows in stream for name, wrapped in rows}
