"""Four eyes: a held decision, a second person's word, and the same request once more with that word."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from decision_layer.audit import ids
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Approval, Decision, utc_now
from decision_layer.audit.store import AuditStore
from decision_layer.challenge.cases import ChallengeError

VALID = timedelta(hours=24)
HELD = "approval:"
"""How a candidate's refusal starts that another person may lift."""


class Granted(msgspec.Struct, frozen=True):
    """What was approved: this body, of this client, in this class."""

    approval: Approval
    caller: str
    input_sha256: str
    data_class: str


class Approvals:
    """Read from the log at start; every change is in the log before it is here."""

    def __init__(self, reader: LogReader, store: AuditStore) -> None:
        self._reader, self._store = reader, store
        self._granted: dict[str, Granted] = {}
        for found in reader.of_kinds("approval"):
            if isinstance(found.entry, Approval):
                self._take(found.entry)

    def covers(self, approval_id: str, caller: str, input_sha256: str, data_class: str) -> bool:
        """Whether this very request was approved lately, in this class."""
        granted = self._granted.get(approval_id)
        if granted is None or not granted.approval.granted or utc_now() - granted.approval.at > VALID:
            return False
        return (granted.caller, granted.input_sha256, granted.data_class) == (caller, input_sha256, data_class)

    def held(self, record_id: str) -> Decision | None:
        """The decision, if it waits for an approval. Raises AuditUnavailableError."""
        found = self._reader.of(record_id.strip().lower())
        entry = found[0].entry if found else None
        if not isinstance(entry, Decision) or entry.effect != "hold":
            return None
        return None if any(isinstance(item.entry, Approval) for item in found) else entry

    async def answer(self, record_id: str, approver: str, authority: str, reason: str, *, granted: bool) -> Approval:
        """On disk on return. Raises ChallengeError where nothing waits under this id, AuditUnavailableError."""
        held = self.held(record_id)
        if held is None:
            raise ChallengeError("record", "no decision with this id waits for an approval")
        if not reason.strip() or not authority.strip():
            raise ChallengeError("reason", "an approval needs its reason and the approver's authority in writing")
        approval = Approval(
            record_id=held.record_id,
            approval_id=ids.record_id(),
            at=utc_now(),
            approver=approver,
            authority=authority.strip(),
            granted=granted,
            reason=reason.strip(),
        )
        await self._store.append(approval)
        self._take(approval)
        return approval

    def _take(self, approval: Approval) -> None:
        found = self._reader.of(approval.record_id)
        entry = found[0].entry if found else None
        if isinstance(entry, Decision):
            granted = Granted(approval, entry.caller, entry.input_sha256, entry.effective_class)
            self._granted[approval.approval_id] = granted
