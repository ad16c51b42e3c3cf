"""Challenges as they stand: what the audit trail says about each, and what may be appended next."""

from __future__ import annotations

import calendar
import hashlib
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from decision_layer.audit import ids
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import Found, LogReader
from decision_layer.audit.record import Approval, Challenge, Decision, Review, Sealed, utc_now
from decision_layer.audit.store import AuditStore
from decision_layer.errors import DecisionLayerError

REMINDER = timedelta(days=10)
"""Before the end of the month that Art. 12(3) GDPR gives: about day 21 (gateway.md G9)."""
MAX_TEXT = 10_000
MAX_OPEN = 5
"""Open challenges of one decision: whoever has a record's id fills neither the log nor the reviewers' list with it."""
Verdict = Literal["upheld", "changed", "no_finding"]
ReplayResult = Literal["identical", "different", "not_possible"]


class Opinion(NamedTuple):
    """What a reviewer says, and by what right."""

    reviewer: str
    authority: str
    verdict: Verdict
    reason: str


class ChallengeError(DecisionLayerError):
    """What was asked cannot be appended; `code` names the message for the page."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what, where="challenge", hint="see the page's text")
        self.code = code


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One challenge. `closed` is the review that ended it, None while it is open."""

    challenge_id: str
    record_id: str
    filed_at: datetime
    due_at: datetime
    closed: Review | None = None

    def is_late_soon(self, now: datetime) -> bool:
        return self.closed is None and now >= self.due_at - REMINDER


class Cases:
    """Kept in memory, read from the log at start; every change is in the log before it is here."""

    def __init__(self, reader: LogReader, store: AuditStore, keys: AuditKeys) -> None:
        self._reader, self._store, self._keys = reader, store, keys
        self._cases: dict[str, Case] = {}
        for found in reader.of_kinds("challenge", "review"):
            self._take(found.entry)

    def all(self) -> list[Case]:
        """Open ones first, by the day they are due."""
        return sorted(self._cases.values(), key=lambda case: (case.closed is not None, case.due_at))

    def get(self, challenge_id: str) -> Case | None:
        return self._cases.get(challenge_id)

    def decision(self, record_id: str) -> Found | None:
        """Raises AuditUnavailableError."""
        return next((found for found in self._reader.of(record_id) if found.kind == "decision"), None)

    def text(self, case: Case) -> str:
        """What the challenger wrote; empty where it was erased. Raises AuditError."""
        for found in self._reader.of(case.record_id):
            entry = found.entry
            if isinstance(entry, Challenge) and entry.challenge_id == case.challenge_id and entry.state == "filed":
                sealed = self._reader.open_sealed(found, self._keys)
                return sealed.snapshot.decode() if sealed else ""
        return ""

    async def file(self, record_id: str, text: str, who: str) -> Case:
        """On disk on return. Raises ChallengeError (no such record, no text, too many), AuditUnavailableError."""
        if not text.strip() or len(text) > MAX_TEXT:
            raise ChallengeError("text", f"a challenge needs a text of at most {MAX_TEXT} characters")
        found = self.decision(record_id.strip().lower())
        if found is None or not isinstance(found.entry, Decision):
            raise ChallengeError("record", "there is no decision with this id")
        if sum(case.record_id == found.record_id and case.closed is None for case in self._cases.values()) >= MAX_OPEN:
            raise ChallengeError("many", f"{MAX_OPEN} challenges of this decision are open")
        now = utc_now()
        entry = Challenge(
            record_id=found.record_id,
            challenge_id=ids.record_id(),
            at=now,
            state="filed",
            due_at=add_month(now),
            text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        )
        subject = self._keys.pseudonym(who) if who.strip() else ""
        await self._store.append(entry, Sealed(subject, text.encode()))
        self._take(entry)
        return self._cases[entry.challenge_id]

    async def close(self, case: Case, opinion: Opinion, replay: ReplayResult, counterfactual: str) -> Case:
        """Append the review. Raises ChallengeError where the reviewer approved the decision, or no reason is given."""
        reviewer, authority, verdict, reason = opinion
        if case.closed is not None:
            raise ChallengeError("closed", "this challenge is decided; a review is never overwritten")
        if not reason.strip() or not authority.strip():
            raise ChallengeError("reason", "a review needs its reason and the reviewer's authority in writing")
        approvers = [f.entry.approver for f in self._reader.of(case.record_id) if isinstance(f.entry, Approval)]
        if reviewer in approvers:
            raise ChallengeError("approver", "who approved a decision does not review it")
        review = Review(
            record_id=case.record_id,
            challenge_id=case.challenge_id,
            at=utc_now(),
            reviewer=reviewer,
            authority=authority.strip(),
            verdict=verdict,
            reason=reason.strip(),
            replay=replay,
            counterfactual=counterfactual,
        )
        await self._store.append(review)
        self._take(review)
        # The state that retention waits for (audit/maintain.py); the review itself is on record by now.
        closed = Challenge(record_id=case.record_id, challenge_id=case.challenge_id, at=review.at, state="closed")
        await self._store.append(closed)
        return self._cases[case.challenge_id]

    def _take(self, entry: object) -> None:
        if isinstance(entry, Challenge) and entry.state == "filed" and entry.due_at is not None:
            self._cases[entry.challenge_id] = Case(
                challenge_id=entry.challenge_id, record_id=entry.record_id, filed_at=entry.at, due_at=entry.due_at
            )
        elif isinstance(entry, Review) and entry.challenge_id in self._cases:
            case = self._cases[entry.challenge_id]
            if case.closed is None:
                self._cases[entry.challenge_id] = msgspec.structs.replace(case, closed=entry)


def add_month(start: datetime) -> datetime:
    """The same day of the next month, or its last day (Regulation 1182/71 Art. 3(2)(c))."""
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))
