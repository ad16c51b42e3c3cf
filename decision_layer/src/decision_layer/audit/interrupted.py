"""Decisions whose gateway ended before it could say what became of them (`kill -9`, power): they get an outcome at its
next start.

Looked back for are so many entries, not the whole log, so that the start takes no longer with a longer log. An answer
that began more entries before the end than that, and was still under way, stays without outcome.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from decision_layer.audit.errors import AuditError
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision, Outcome, utc_now
from decision_layer.audit.store import AuditStore

log = logging.getLogger(__name__)
LOOK_BACK = 20_000
MOST = 2000
"""The newest ones: more are not under way at once. Far more without an outcome are a log of something else."""
LIMIT_S = 1.0
"""Of the start, for all of it. What is not done by then is told and left."""
WHY = "the gateway ended before the outcome was recorded"


async def close_interrupted(reader: LogReader, store: AuditStore, host: str) -> int:
    """How many were closed. Before the first request, since one under way has no outcome either. Never raises.

    `host` as in the decisions' own field: another gateway may write to the same log, and its requests are its own.
    """
    try:
        async with asyncio.timeout(LIMIT_S):
            left = await asyncio.to_thread(find_interrupted, reader, host)
            await asyncio.gather(*(store.append(_outcome(record_id)) for record_id in left))
    except (AuditError, TimeoutError, msgspec.MsgspecError) as error:
        log.warning("decisions without an outcome are left as they are: %s", error or f"more than {LIMIT_S:g} s")
        return 0
    return len(left)


def find_interrupted(reader: LogReader, host: str) -> list[str]:
    """Ids of this host's decisions without an outcome, among the last entries.

    AuditUnavailableError; msgspec.MsgspecError where one was damaged.
    """
    without: dict[str, int] = {}
    for seq, kind, record_id in reader.kinds_after(reader.last_seq() - LOOK_BACK):
        if kind == "decision":
            without[record_id] = seq
        elif kind == "outcome":
            without.pop(record_id, None)
    seqs = list(without.values())[-MOST:]
    # Where retention took a body, nobody knows any more whose it was.
    entries = (row.entry for row in reader.at(seqs)) if seqs else ()
    return [entry.record_id for entry in entries if isinstance(entry, Decision) and entry.host == host]


def _outcome(record_id: str) -> Outcome:
    """When it was found, not when it happened: nobody was there to note that."""
    return Outcome(record_id=record_id, finished_at=utc_now(), result="interrupted", status=0, error=WHY)
