"""Which decisions are contested: retention leaves them alone."""

from __future__ import annotations

import contextlib
import sqlite3

import msgspec

from decision_layer.audit import canonical
from decision_layer.audit.record import Challenge


class Contests:
    """Which decisions have a challenge whose last state is neither closed nor withdrawn; update() reads what is new."""

    def __init__(self) -> None:
        self._after = 0
        self._states: dict[str, dict[str, str]] = {}

    def update(self, link: sqlite3.Connection) -> set[str]:
        """The record ids as of now; the first call reads the whole log."""
        for seq, kind, record_id, body in link.execute(
            "SELECT seq, kind, record_id, iif(kind = 'challenge', body, NULL) FROM entries WHERE seq > ? ORDER BY seq",
            (self._after,),
        ):
            self._after = seq
            if kind == "challenge" and body is not None:
                with contextlib.suppress(msgspec.MsgspecError):
                    entry = canonical.decode(body)
                    if isinstance(entry, Challenge):
                        self._states.setdefault(record_id, {})[entry.challenge_id] = entry.state
        return {record for record, states in self._states.items() if set(states.values()) - {"closed", "withdrawn"}}
