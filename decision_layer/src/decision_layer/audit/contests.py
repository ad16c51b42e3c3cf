"""Which decisions are contested: retention leaves them alone."""

from __future__ import annotations

import contextlib

import msgspec

from decision_layer.audit import canonical
from decision_layer.audit.backend import Link
from decision_layer.audit.record import Challenge


class Contests:
    """Which decisions have a challenge whose last state is neither closed nor withdrawn; update() reads what is new."""

    def __init__(self) -> None:
        self._after = 0
        self._states: dict[str, dict[str, str]] = {}

    def update(self, link: Link) -> set[str]:
        """The record ids as of now; the first call reads the whole log."""
        sql = (
            "SELECT seq, record_id, CASE WHEN kind = 'challenge' THEN body END FROM entries WHERE seq > ? ORDER BY seq"
        )
        for rows in link.stream(sql, (self._after,)):
            self._after = rows[-1][0]
            for _, record_id, body in rows:
                if body is not None:
                    self._note(record_id, body)
        return {record for record, states in self._states.items() if set(states.values()) - {"closed", "withdrawn"}}

    def _note(self, record_id: str, body: bytes) -> None:
        with contextlib.suppress(msgspec.MsgspecError):
            entry = canonical.decode(body)
            if isinstance(entry, Challenge):
                self._states.setdefault(record_id, {})[entry.challenge_id] = entry.state
