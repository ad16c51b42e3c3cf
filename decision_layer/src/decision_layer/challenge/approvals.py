"""Four eyes: a held decision, a second person's word, and the same request once more with that word, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec

from decision_layer.audit import ids
from decision_layer.audit.errors import AuditKeyError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import Found, LogReader
from decision_layer.audit.record import Approval, Candidate, Decision, utc_now
from decision_layer.audit.store import AuditStore
from decision_layer.challenge.cases import ChallengeError
from decision_layer.gateway.callers import Credentials
from decision_layer.policy import decide

VALID = timedelta(hours=24)
_facts = msgspec.msgpack.Decoder(decide.Facts)


class Held(msgspec.Struct, frozen=True):
    """A decision that waits, with the facts that were sealed with it; None: they are gone."""

    decision: Decision
    facts: decide.Facts | None


class Request(msgspec.Struct, frozen=True):
    """What an approval is bound to: this body, of this asker, in this class, by this rule to these models."""

    caller: str
    user: str
    input_sha256: str
    data_class: str
    rule: str
    models: frozenset[tuple[str, str]]
    """Name and zone of those that wait for the word."""


class Approvals:
    """Read from the log at start; every change is in the log before it is here."""

    def __init__(
        self, reader: LogReader, store: AuditStore, keys: AuditKeys, credentials: Callable[[], Credentials]
    ) -> None:
        self._reader, self._store, self._keys, self._credentials = reader, store, keys, credentials
        self._granted: dict[str, tuple[Approval, Request]] = {}
        self._used: set[str] = set()
        self._under_way: set[str] = set()
        """Records of which somebody's answer is being written."""
        for found in reader.of_kinds("approval"):
            if isinstance(found.entry, Approval):
                self._take(found.entry)

    def claim(
        self, approval_id: str, caller: str, facts: decide.Facts, input_sha256: str, decision: decide.Decision
    ) -> bool:
        """Whether this very request was approved lately. True once only. Raises AuditUnavailableError."""
        approval, approved = self._granted.get(approval_id, (None, None))
        if approval is None or utc_now() - approval.at > VALID or approval_id in self._used:
            return False
        asked = Request(
            caller,
            facts.user.casefold(),
            input_sha256,
            decision.data_class,
            decision.rule,
            _waiting(decision.candidates),
        )
        # Another gateway on the same log may have let it through already.
        if asked != approved or any(_is_use(found, approval_id) for found in self._reader.of(approval.record_id)):
            return False
        self._used.add(approval_id)
        return True

    async def note_use(self, approval_id: str, record_id: str) -> None:
        """On disk on return: this decision used it up. Raises AuditUnavailableError."""
        approval, _ = self._granted[approval_id]
        await self._store.append(msgspec.structs.replace(approval, at=utc_now(), used_by=record_id))

    def held(self, record_id: str) -> Held | None:
        """The decision, if it waits for an approval. Raises AuditUnavailableError."""
        found = self._reader.of(record_id.strip().lower())
        entry = found[0].entry if found else None
        if not isinstance(entry, Decision) or entry.effect != "hold":
            return None
        return None if any(item.kind == "approval" for item in found) else Held(entry, self._open(found[0]))

    def bar(self, approver: str, held: Held) -> str:
        """Why this person may not answer, as a ChallengeError's code; empty: they may."""
        if held.facts is None:
            return "nobody"
        return self._credentials().bar_approver(approver, held.decision.caller, held.facts.user)

    async def answer(self, record_id: str, approver: str, authority: str, reason: str, *, granted: bool) -> Approval:
        """On disk on return. Raises ChallengeError where nothing waits under this id, or not for them; AuditError."""
        held = self.held(record_id)
        if held is None or held.decision.record_id in self._under_way:
            raise ChallengeError("held", "no decision with this id waits for an approval")
        if barred := self.bar(approver, held):
            raise ChallengeError(barred, "a second person must answer, and be known to be another one")
        if not reason.strip() or not authority.strip():
            raise ChallengeError("reason", "an approval needs its reason and the approver's authority in writing")
        approval = Approval(
            record_id=held.decision.record_id,
            approval_id=ids.record_id(),
            at=utc_now(),
            approver=approver,
            authority=authority.strip(),
            granted=granted,
            reason=reason.strip(),
        )
        self._under_way.add(approval.record_id)
        try:
            await self._store.append(approval)
        finally:
            self._under_way.discard(approval.record_id)
        self._take(approval)
        return approval

    def _take(self, approval: Approval) -> None:
        if approval.used_by:
            self._used.add(approval.approval_id)
            return
        counts = approval.granted and utc_now() - approval.at <= VALID
        found = self._reader.of(approval.record_id) if counts else []
        entry = found[0].entry if found else None
        facts = self._open(found[0]) if found else None
        if isinstance(entry, Decision) and facts is not None:
            request = Request(
                entry.caller,
                facts.user.casefold(),
                entry.input_sha256,
                entry.effective_class,
                entry.rule,
                _waiting(entry.candidates),
            )
            self._granted[approval.approval_id] = approval, request

    def _open(self, found: Found) -> decide.Facts | None:
        """None where they were erased, or cannot be read: then nobody can be known to be another person."""
        try:
            sealed = self._reader.open_sealed(found, self._keys)
            return _facts.decode(sealed.snapshot) if sealed and sealed.snapshot else None
        except (AuditKeyError, msgspec.MsgspecError):
            return None


def _waiting(candidates: tuple[Candidate, ...] | tuple[decide.Candidate, ...]) -> frozenset[tuple[str, str]]:
    return frozenset((item.model, item.zone) for item in candidates if item.refused.startswith(decide.HELD))


def _is_use(found: Found, approval_id: str) -> bool:
    entry = found.entry if found.kind == "approval" else None
    return isinstance(entry, Approval) and entry.approval_id == approval_id and bool(entry.used_by)
