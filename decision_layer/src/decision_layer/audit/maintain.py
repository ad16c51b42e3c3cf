"""Takes contents out, and says so in the log: retention after its time, erasure of one subject.

Neither touches the chain: the hashes of what is removed stay, and a tombstone names the rows. Both may run beside the
gateway; they hold the log's lock for one chunk at a time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import NamedTuple

from decision_layer.audit import canonical, chain, ids
from decision_layer.audit.append import Item, insert, read_last
from decision_layer.audit.backend import Backend, DatabaseError, Link
from decision_layer.audit.chain import Stored
from decision_layer.audit.contests import Contests
from decision_layer.audit.errors import AuditRecordError
from decision_layer.audit.keyring import KEY_ID, AuditKeys
from decision_layer.audit.record import Tombstone, utc_now

# Six months are at most 184 days. Regulation (EU) 2024/1689 Art. 19(1) and 26(6): logs are kept for at least six
# months unless other Union or national law, above all on data protection, says otherwise.
DEFAULT_DAYS = 184
_CHUNK = 1000  # rows or ranges: keeps a tombstone under the 64 KiB of an entry and the lock under a tenth of a second
_WAIT_S = 10.0


class Removed(NamedTuple):
    """How many entries lost contents, and in how many tombstones it is said."""

    entries: int
    tombstones: int


class Reason(NamedTuple):
    """Why and by whom: the legal basis and the person or job, as the tombstone will show it."""

    basis: str
    by: str


def retain(backend: Backend, keys: AuditKeys, days: int, reason: Reason, *, shorter: bool = False) -> Removed:
    """Take out bodies and sealed parts older than `days`, but of no decision with an open challenge.

    AuditRecordError for less than six months without `shorter`, which is for when another law demands it.
    """
    if days < DEFAULT_DAYS and not shorter:
        raise AuditRecordError(
            f"{days} days are shorter than six months",
            where="retention",
            hint=f"keep at least {DEFAULT_DAYS} days (AI Act Art. 19(1), 26(6)), or name the law that demands less",
        )
    before = time.time_ns() // 1000 - days * 86_400_000_000
    entries = tombstones = after = 0
    contests = Contests()
    with _links(backend) as (link, key_link):
        contests.update(link)  # the long read, before anything is locked
        while rows := link.query(
            "SELECT seq, record_id, substr(sealed, 1, ?) FROM entries"
            " WHERE seq > ? AND at < ? AND body IS NOT NULL AND kind <> 'tombstone' ORDER BY seq LIMIT ?",
            (KEY_ID, after, before, _CHUNK),
        ):
            after = rows[-1][0]
            with link.locked():
                contested = contests.update(link)
                rows = [row for row in rows if row[1] not in contested]
                seqs = [row[0] for row in rows]
                if seqs:
                    _bury(link, keys, backend.log, seqs, "retention", reason)
                    link.change_many(
                        "UPDATE entries SET body = NULL, sealed = NULL WHERE seq = ?", [(s,) for s in seqs]
                    )
            names = [(row[2],) for row in rows if row[2]]
            with key_link.locked():
                key_link.change_many("DELETE FROM keys WHERE key_id = ? AND subject = ''", names)
            entries, tombstones = entries + len(seqs), tombstones + bool(seqs)
        link.scrub()
        key_link.scrub()
    return Removed(entries, tombstones)


def erase(backend: Backend, keys: AuditKeys, subject: str, reason: Reason) -> Removed:
    """Destroy what is sealed for a subject (GDPR Art. 17): its keys first, then the ciphertext. `subject` is the name.

    Runs again where it was interrupted. What was decided, without the subject, stays.
    """
    pseudonym = keys.pseudonym(subject)
    with _links(backend) as (link, key_link):
        names = {bytes(row[0]) for row in key_link.query("SELECT key_id FROM keys WHERE subject = ?", (pseudonym,))}
        if not names:
            return Removed(0, 0)
        seqs, head = _sealed_under(link, names, 0)
        with link.locked():
            # While the log is locked no entry can come under a key that is being destroyed (writer.Writer._seal).
            seqs += _sealed_under(link, names, head)[0]
            key_link.change("UPDATE keys SET wrapped = ? WHERE subject = ?", (b"", pseudonym))
            key_link.announce_key_change()
            # One tombstone also where nothing is stored yet: an entry on its way is then sealed anew after it.
            chunks = [seqs[start : start + _CHUNK] for start in range(0, len(seqs), _CHUNK)] or [[]]
            for chunk in chunks:
                _bury(link, keys, backend.log, chunk, "erasure", reason)
        for chunk in chunks:
            with link.locked():
                link.change_many("UPDATE entries SET sealed = NULL WHERE seq = ?", [(seq,) for seq in chunk])
        key_link.change("DELETE FROM keys WHERE subject = ? AND wrapped = ?", (pseudonym, b""))
        link.scrub()
        key_link.scrub()
    return Removed(len(seqs), len(chunks))


def _sealed_under(link: Link, names: set[bytes], after: int) -> tuple[list[int], int]:
    """Rows after `after` whose sealed part needs one of these keys, and the last row looked at."""
    found: list[int] = []
    for rows in link.stream(
        "SELECT seq, substr(sealed, 1, ?) FROM entries WHERE seq > ? ORDER BY seq", (KEY_ID, after), _CHUNK
    ):
        found += [seq for seq, name in rows if name in names]
        after = rows[-1][0]
    return found, after


def last_entry(backend: Backend, keys: AuditKeys) -> Stored:
    """The row that the next checkpoint attests; AuditUnavailableError."""
    with _links(backend) as (link, _):
        return read_last(link, keys, backend.log)


def _bury(link: Link, keys: AuditKeys, log: str, seqs: list[int], cause: str, reason: Reason) -> None:
    """Append the tombstone of some rows; the log is locked."""
    stone = Tombstone(
        record_id=ids.record_id(),
        at=utc_now(),
        cause="erasure" if cause == "erasure" else "retention",
        removed="sealed" if cause == "erasure" else "body",
        basis=reason.basis,
        by=reason.by,
        ranges=tuple(_ranges(seqs)),
        entries=len(seqs),
    )
    item = Item("tombstone", stone.record_id, canonical.encode(stone))
    if insert(link, [item], read_last(link, keys, log), keys) is None:
        raise chain.unavailable(RuntimeError("the last entry changed although the log is locked"), log)


def _ranges(seqs: list[int]) -> Iterator[tuple[int, int]]:
    if not seqs:
        return
    first = last = seqs[0]
    for seq in seqs[1:]:
        if seq != last + 1:
            yield first, last
            first = seq
        last = seq
    yield first, last


@contextlib.contextmanager
def _links(backend: Backend) -> Iterator[tuple[Link, Link]]:
    """Connections to the log and to the keys; what the database says comes out as AuditUnavailableError."""
    try:
        with contextlib.ExitStack() as stack:
            link = stack.enter_context(contextlib.closing(backend.open_log(create=False, wait_s=_WAIT_S)))
            key_link = stack.enter_context(contextlib.closing(backend.open_keys(create=False, wait_s=_WAIT_S)))
            yield link, key_link
    except DatabaseError as error:
        raise chain.unavailable(error, backend.log) from error
