"""Moves a log from SQLite to PostgreSQL: the same rows, hashes and keys, so that every checkpoint goes on attesting it.

The files are locked from the first read to the end, so that no gateway can append meanwhile, and nothing in them is
changed. All rows and keys arrive in one transaction, are verified inside it and again after it; whatever goes wrong
before leaves the server empty and the files in use. Only then are the files renamed, which makes a gateway that is
still set to SQLite refuse to start: its new, empty log would contradict the checkpoints.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from decision_layer.audit import chain
from decision_layer.audit.auditor_copy import ENTRIES, copy_entries
from decision_layer.audit.backend import Backend, DatabaseError, Link
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.sqlite import KEYS, LOG, SqliteBackend
from decision_layer.audit.verify import Report, verify

MOVED = ".moved"
_AT_ONCE = 200
_WAIT_S = 10.0
_ALL_KEYS = "SELECT key_id, subject, wrapped FROM keys ORDER BY key_id"


def move(directory: Path, second_place: Path | None, keys: AuditKeys, to: Backend) -> Report:
    """What verify() says of the log in its new place, where it is whole. AuditUnavailableError, and nothing has moved.

    Runs again where it was interrupted: a copy that is there already is replaced, unless entries were added to it.
    """
    source = SqliteBackend(directory)
    try:
        if source.has_log() or not (directory / (LOG + MOVED)).exists():
            with _locked(source) as (link, key_link):
                _demand_whole(verify(source, second_place, keys.publics, keys), source)
                _copy(link, key_link, to)
                report = _demand_whole(verify(to, second_place, keys.publics, keys), to)
                _retire(directory)
        else:
            report = _demand_whole(verify(to, second_place, keys.publics, keys), to)
            _retire(directory)
    except (DatabaseError, OSError) as error:
        raise chain.unavailable(error, f"{source.log} or {to.log}") from error
    return report


@contextlib.contextmanager
def _locked(source: SqliteBackend) -> Iterator[tuple[Link, Link]]:
    """Both files, which nobody may change meanwhile, without anything left in a write-ahead log."""
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(contextlib.closing(source.open_log(create=False, wait_s=_WAIT_S)))
        key_link = stack.enter_context(contextlib.closing(source.open_keys(create=False, wait_s=_WAIT_S)))
        for one, name in ((link, LOG), (key_link, KEYS)):
            one.scrub()
            stack.enter_context(one.locked())
            if (source.directory / f"{name}-wal").stat().st_size:
                raise AuditUnavailableError(
                    "someone is reading or writing the log", where=source.log, hint="stop the gateway first"
                )
        yield link, key_link


def _retire(directory: Path) -> None:
    """The log last: while it has its name, the next try begins anew."""
    for name in (KEYS, LOG):
        if (directory / name).exists():
            (directory / name).rename(directory / (name + MOVED))
        for tail in ("-wal", "-shm"):  # empty, and of nobody now; a new file would take them for its own
            (directory / (name + tail)).unlink(missing_ok=True)


def _demand_whole(report: Report, backend: Backend) -> Report:
    if report.troubles:
        raise AuditUnavailableError(
            f"the log is not whole: {report.troubles[0].kind}: {report.troubles[0].what}",
            where=backend.log,
            hint="decision-layer audit verify tells all of it; nothing was moved",
        )
    return report


def _copy(link: Link, key_link: Link, to: Backend) -> None:
    """Everything, or nothing."""
    with contextlib.closing(to.open_log(create=True, wait_s=_WAIT_S)) as target, target.locked():
        _demand_no_more_than(link, target, to)
        for table in ("entries", "keys"):
            target.change(f"DELETE FROM {table}")  # noqa: S608 - fixed text
        copy_entries(link, target)
        for rows in key_link.stream(_ALL_KEYS, at_once=_AT_ONCE):
            target.change_many("INSERT INTO keys VALUES (?,?,?)", rows)
        _demand_same(link, target, ENTRIES, to)
        _demand_same(key_link, target, _ALL_KEYS, to)


def _demand_no_more_than(link: Link, target: Link, to: Backend) -> None:
    """What is there may be an earlier copy of this log, and nothing else."""
    last = target.query("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1")
    if last and link.query("SELECT seq, hash FROM entries WHERE seq = ?", (last[0][0],)) != last:
        raise AuditUnavailableError(
            f"there is another log, or this one with more entries: {last[0][0]}",
            where=to.log,
            hint="name another schema; a log that was moved already and written to stays where it is",
        )


def _demand_same(link: Link, target: Link, text: str, to: Backend) -> None:
    """Byte for byte, as the transaction sees it."""
    ours, theirs = link.stream(text, at_once=_AT_ONCE), target.stream(text, at_once=_AT_ONCE)
    for number, (one, other) in enumerate(zip_longest(ours, theirs)):
        if one != other:
            raise AuditUnavailableError(
                f"what arrived differs from row {number * _AT_ONCE + 1} on", where=to.log, hint="nothing was moved"
            )
