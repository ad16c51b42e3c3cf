"""The walk over the rows: chain, marks, checkpoints, and whether what is missing was removed by a tombstone."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from decision_layer.audit import canonical, chain
from decision_layer.audit.checkpoint import Checkpoint
from decision_layer.audit.keyring import KEY_ID, AuditKeys
from decision_layer.audit.record import Tombstone

COLUMNS = "seq, kind, record_id, at, hash, mark, body_hash, sealed_hash, body, sealed"


class Trouble(NamedTuple):
    """One thing that does not fit: sort, where, what."""

    kind: str
    where: str
    what: str


class Rows:
    """Feed it the rows in order with check(), then finish()."""

    def __init__(self, log: str, attested: dict[int, Checkpoint], keys: AuditKeys | None) -> None:
        self._log, self._points, self._keys = log, attested, keys
        self._prev = chain.GENESIS
        self._buried: dict[str, list[tuple[int, int]]] = defaultdict(list)  # ranges by what tombstones removed
        self._no_body: list[int] = []
        self._no_sealed: list[int] = []
        self._key_uses: dict[bytes, list[int]] = defaultdict(list)
        self.troubles: list[Trouble] = []
        self.last_seq = self.marked = self.attested = self.removed_bodies = 0
        self.bare_since = 0  # time of the first row after the last checkpoint

    def check(self, rows: list[tuple[Any, ...]]) -> None:
        """Rows of COLUMNS in the order of seq."""
        marked = self._keys.marked if self._keys else None
        for seq, kind, record_id, at, own, mark, body_hash, sealed_hash, body, sealed in rows:
            if seq != self.last_seq + 1:
                self._say("missing", seq, f"follows entry {self.last_seq}: those between are gone")
            self.last_seq = seq
            header = f"{seq}|{kind}|{record_id}|{at}"
            if chain.entry_hash(self._prev, body_hash, sealed_hash, header) != own:
                self._say("edited", seq, "its hash does not continue the entry before it: edited, moved or put in")
            self._prev = own
            if body is None:
                self._no_body.append(seq)
            elif sha256(body).digest() != body_hash:
                self._say("edited", seq, "its body is not the one that was stored")
            if marked:
                if marked(own, mark):
                    self.marked += 1
                else:
                    self._say("re-stamped", seq, "was not written with the key of this log")
            if sealed is not None or sealed_hash is not None:
                self._check_sealed(seq, sealed, sealed_hash)
            if kind == "tombstone":
                self._bury(seq, record_id, body)
            if not self.bare_since:
                self.bare_since = at
            if seq in self._points:
                self._check_point(seq, own)

    def finish(self, keys: dict[bytes, bool] | None) -> None:
        """What needs all rows: contents that are missing without a tombstone; `keys` None where they are not here."""
        gone_bodies, gone_sealed = _Ranges(self._buried["body"]), _Ranges(self._buried["sealed"])
        self.removed_bodies = len(self._no_body)
        for seq in self._no_body:
            if seq not in gone_bodies:
                self._say("removed", seq, "its body is gone and no tombstone says why")
        for seq in self._no_sealed:
            if seq not in gone_sealed and seq not in gone_bodies:
                self._say("removed", seq, "its sealed part is gone and no tombstone says why")
        for name, seqs in self._key_uses.items():
            if keys is None or keys.get(name):
                continue
            unexplained = [seq for seq in seqs if seq not in gone_sealed and seq not in gone_bodies]
            if unexplained:
                what = f"the key of its sealed part is gone and no tombstone says why ({len(unexplained)} entries)"
                self._say("removed", unexplained[0], what)

    def _check_sealed(self, seq: int, sealed: bytes | None, sealed_hash: bytes | None) -> None:
        if sealed is None:
            self._no_sealed.append(seq)
        elif sealed_hash is None or sha256(sealed).digest() != sealed_hash:
            self._say("edited", seq, "its sealed part is not the one that was stored")
        else:
            self._key_uses[sealed[:KEY_ID]].append(seq)

    def _bury(self, seq: int, record_id: str, body: bytes | None) -> None:
        try:
            entry = canonical.decode(body or b"")
        except msgspec.MsgspecError:
            self._say("edited", seq, "is a tombstone without a readable body")
            return
        if not isinstance(entry, Tombstone) or entry.record_id != record_id:
            self._say("edited", seq, "is marked as a tombstone and is none")
            return
        self._buried[entry.removed] += [(first, min(last, seq - 1)) for first, last in entry.ranges]

    def _check_point(self, seq: int, own: bytes) -> None:
        point = self._points[seq]
        if point.head != own.hex():
            self._say("re-stamped", seq, f"is not what checkpoint {point.number} of {point.at:%F %T}Z attests")
        else:
            self.attested, self.bare_since = seq, 0

    def _say(self, kind: str, seq: int, what: str) -> None:
        self.troubles.append(Trouble(kind, f"{self._log}, entry {seq}", what))


class _Ranges:
    """Whether a number lies in one of many ranges."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        merged: list[tuple[int, int]] = []
        for first, last in sorted(ranges):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        self._firsts = [first for first, _ in merged]
        self._lasts = [last for _, last in merged]

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number)
        return at > 0 and number <= self._lasts[at - 1]
