"""Writes checkpoints while the gateway runs: every `every_entries` entries or `every_s` seconds, and at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from decision_layer.audit import chain, checkpoint
from decision_layer.audit.chain import Stored
from decision_layer.audit.checkpoint import Checkpoint
from decision_layer.audit.errors import AuditError, AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys


class Checkpointer(threading.Thread):
    """`last_entry` tells the row to attest. A place that is away is made up for when it is back; `error` says so."""

    def __init__(
        self,
        places: list[Path],
        keys: AuditKeys,
        last_entry: Callable[[], Stored],
        *,
        every_entries: int,
        every_s: float,
    ) -> None:
        super().__init__(name="audit-checkpoints", daemon=True)
        self.places, self._keys, self._last_entry = places, keys, last_entry
        self._every_entries, self._every_s = every_entries, every_s
        self._ending = threading.Event()
        self.policy_sha256 = ""
        self.error = ""
        self.written: Checkpoint | None = None
        self.written_at = 0.0  # monotonic seconds

    def run(self) -> None:
        """Make up for what a crash left open, then, until stop(), look five times a second whether one is due."""
        self._try()
        due_at, attested = time.monotonic() + self._every_s, self._last_entry().seq
        while not self._ending.wait(0.2):
            seq = self._last_entry().seq
            if seq - attested >= self._every_entries or time.monotonic() >= due_at:
                due_at = time.monotonic() + self._every_s
                if self._try():
                    attested = seq

    def stop(self) -> None:
        """End the thread and attest what is there; AuditUnavailableError when a place did not take it."""
        self._ending.set()
        if self.is_alive():
            self.join()
        write(self.places, self._last_entry(), self.policy_sha256, self._keys)

    def _try(self) -> bool:
        try:
            self.written = write(self.places, self._last_entry(), self.policy_sha256, self._keys)
        except (AuditError, OSError) as error:
            self.error = str(error)
            return False
        self.written_at, self.error = time.monotonic(), ""
        return True


def write(places: list[Path], stored: Stored, policy_sha256: str, keys: AuditKeys) -> Checkpoint | None:
    """Attest `stored` in every place, and what a place missed while it was away; the last checkpoint, None for none.

    Nothing is written where the log has not grown. AuditUnavailableError when a place fails, after all were tried.
    """
    with checkpoint.alone(places[0]):
        newest, failed = _newest(places)
        fullest = max(newest, key=lambda place: number_of(newest[place]))
        last, fresh = newest[fullest], []
        if stored.seq and (last is None or last.entries < stored.seq):
            fresh = [checkpoint.make(last, stored, policy_sha256, keys)]
        behind = any(number_of(have) < number_of(last) for have in newest.values())
        known = checkpoint.read(fullest)[0] if behind else []
        for place, have in newest.items():
            missing = [one for one in known if one.number > number_of(have)] + fresh
            try:
                if missing:
                    checkpoint.add(place, missing)
            except AuditUnavailableError as error:
                failed = error
        if failed:
            raise failed
        return fresh[0] if fresh else last


def number_of(one: Checkpoint | None) -> int:
    """Its number, 0 for none."""
    return one.number if one else 0


def _newest(places: list[Path]) -> tuple[dict[Path, Checkpoint | None], AuditUnavailableError | None]:
    """The newest checkpoint of each place that can be read, and the error of one that cannot."""
    found: dict[Path, Checkpoint | None] = {}
    failed: AuditUnavailableError | None = None
    for place in places:
        try:
            if not place.is_dir():
                raise FileNotFoundError(2, "no such directory")
            found[place] = checkpoint.newest(place)
        except OSError as error:
            failed = AuditUnavailableError(
                f"a place for checkpoints cannot be read: {error.strerror}",
                where=str(place),
                hint="is the second place mounted? Checkpoints are made up for once it is",
            )
    if failed and not found:
        raise failed
    return found, failed


def check_start(places: list[Path], log: str, last: Stored, hash_at: Callable[[int], bytes | None]) -> None:
    """Refuse to go on with a log that its own checkpoints contradict; AuditUnavailableError says where."""
    for place in places:
        attested = checkpoint.newest(place) if place.is_dir() else None
        if attested is None:
            continue
        if attested.entries > last.seq:
            what = f"the log ends with entry {last.seq}, a checkpoint attests {attested.entries}"
        elif (hash_at(attested.entries) or chain.GENESIS).hex() != attested.head:
            what = f"entry {attested.entries} is not the one that a checkpoint attests"
        else:
            continue
        raise AuditUnavailableError(
            what,
            where=log,
            hint="the log was cut, replaced or restored from an old backup: run decision-layer audit verify",
        )
