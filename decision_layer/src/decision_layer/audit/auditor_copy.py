"""What an auditor gets: the log as SQLite with its checkpoints, of one moment, and none of the keys of sealed parts."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from decision_layer.audit import chain
from decision_layer.audit.backend import Backend, DatabaseError, Link
from decision_layer.audit.checkpoint import LATEST, LINES
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.sqlite import LOG, SqliteBackend
from decision_layer.audit.verify_rows import COLUMNS

ENTRIES = f"SELECT {COLUMNS} FROM entries ORDER BY seq"  # noqa: S608 - fixed text
_AT_ONCE = 200
_WAIT_S = 10.0


def copy_log(backend: Backend, to: Path) -> int:
    """Entries copied into a directory that has no log; `verify` takes it. The gateway goes on. AuditUnavailableError.

    The checkpoints are copied first, so that none of them speaks of entries that the copy has not.
    """
    if (to / LOG).exists():
        raise AuditUnavailableError("there is a log already", where=str(to), hint="name an empty directory")
    try:
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (LINES, LATEST):
            if (backend.directory / name).exists():
                shutil.copyfile(backend.directory / name, to / name)
        with (
            contextlib.closing(SqliteBackend(to).open_log(create=True, wait_s=_WAIT_S)) as target,
            backend.read_log() as link,
            link.snapshot(),
            target.locked(),
        ):
            return copy_entries(link, target)
    except (DatabaseError, OSError) as error:
        raise chain.unavailable(error, f"{backend.log} or {to}") from error


def copy_entries(link: Link, target: Link) -> int:
    """All rows as they are, in the transaction of both; how many. DatabaseError."""
    count = 0
    for rows in link.stream(ENTRIES, at_once=_AT_ONCE):
        target.change_many(f"INSERT INTO entries VALUES {target.row}", rows)  # noqa: S608 - fixed text
        count += len(rows)
    return count
