"""What is written down: one decision per request, and the entries that follow it. Nothing is ever overwritten.

Fields: ../shared/research/gateway.md section 4, that is the union of Regulation (EU) 2024/1689 Art. 12(3), the IETF
individual draft draft-sharif-agent-audit-trail-06 and the in-region semantics of Opper and OpenRouter. `seq`,
`prev_hash` and the entry's own hash are added by the store (chain.py) and bound to these bytes.

No field holds a value that was found, a prompt or an answer: those go, encrypted, into Sealed, which can be erased.
Durations are whole microseconds and there is no float, because RFC 8785 writes floats as JavaScript does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from decision_layer.parts import Finding

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Micros = Count
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Id = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z_.:-]{1,64}$")]  # no "|": see chain.entry_hash
Sha256 = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]  # "" where there is nothing to hash
Result = Literal["completed", "cancelled", "upstream_error", "refused", "interrupted"]


def utc_now() -> datetime:
    """The time as records carry it: UTC with microseconds."""
    return datetime.now(UTC)


class Candidate(msgspec.Struct, frozen=True):
    """A model that was looked at; `refused` is the reason why not, "" for the chosen one and those left in reserve.

    `zone` is where it computes, `storage` where prompts and answers are kept, "" where that is not known.
    """

    model: str
    zone: str
    refused: str = ""
    storage: str = ""


class Chosen(msgspec.Struct, frozen=True):
    """Where the request goes: `revision` is the digest of the weights or the provider's dated model name."""

    model: str
    revision: str
    provider: str
    zone: str
    inference_location: str
    storage_location: str


class Hop(msgspec.Struct, frozen=True):
    """One try at an upstream: HTTP status (0: no answer), error code, start after the decision and duration in us."""

    model: str
    zone: str
    status: Count
    error: str = ""
    start_us: Micros = 0
    duration_us: Micros = 0


class Decision(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="decision"):
    """One routing decision. `chosen` is None when the request was refused or is held for an approval."""

    record_id: Id
    received_at: Time
    decided_at: Time
    request_id: str  # the client's X-Request-Id, "" without one or where it may say something of somebody
    trace_id: str = ""  # nothing sets it yet
    endpoint: str
    caller: str  # the id of the client's key, never a person: a person is the sealed subject
    caller_auth: str
    task_type: str = ""
    workflow_step: str = ""
    language: str = ""
    explicit_label: str = ""
    label_source: str = ""
    findings: tuple[Finding, ...] = ()
    detection: str = "complete"  # or what kept it from that: "error", "timeout", "over_length", "bad_utf8"
    effective_class: str
    policy_id: str
    policy_version: str
    policy_sha256: Sha256
    config_sha256: Sha256 = ""  # nothing sets it yet
    effect: Literal["allow", "refuse", "hold"]
    requested_model: str = ""
    candidates: tuple[Candidate, ...] = ()
    chosen: Chosen | None = None
    rule: str = ""
    hops: tuple[str, ...] = ()  # models in the order in which they may be tried
    reasons: tuple[str, ...] = ()
    approval_id: str = ""
    input_sha256: Sha256 = ""
    input_bytes: Count = 0
    snapshot: bool = False  # whether the sealed part holds the facts that were decided on; the input is never kept
    software_version: str
    host: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="outcome"):
    """How the request of decision `record_id` ended. `hops` are the tries really made."""

    record_id: Id
    finished_at: Time
    result: Result
    status: Count
    model: str = ""
    output_sha256: Sha256 = ""
    output_bytes: Count = 0
    input_tokens: Count = 0
    output_tokens: Count = 0
    first_byte_us: Micros = 0
    latency_us: Micros = 0
    hops: tuple[Hop, ...] = ()
    error: str = ""


class Challenge(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="challenge"):
    """A contest of decision `record_id` (GDPR Art. 22(3)) and each later state of it. Its text is sealed."""

    record_id: Id
    challenge_id: Id
    at: Time
    state: Literal["filed", "assigned", "extended", "withdrawn", "closed"]
    due_at: Time | None = None
    text_sha256: Sha256 = ""


class Review(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="review"):
    """What a person decided about decision `record_id`, with what authority, and what the replay gave."""

    record_id: Id
    challenge_id: str = ""
    at: Time
    reviewer: str
    authority: str
    verdict: Literal["upheld", "changed", "no_finding"]
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    replay: Literal["identical", "different", "not_possible"] = "not_possible"
    counterfactual: str = ""


class Approval(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="approval"):
    """Four eyes: a person's answer to a held decision; once more, with `used_by`, when a decision used it up."""

    record_id: Id
    approval_id: Id
    at: Time
    approver: str
    authority: str
    granted: bool
    reason: str = ""
    used_by: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z_.:-]{0,64}$")] = ""


class Tombstone(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="tombstone"):
    """Says which contents were taken out and why; a row without its contents and without this one is tampering.

    `ranges` are first and last seq, both included. `removed` is "body" (retention: body and sealed part) or "sealed"
    (erasure of one subject: its pseudonym, its snapshot and the keys of both).
    """

    record_id: Id
    at: Time
    cause: Literal["retention", "erasure"]
    removed: Literal["body", "sealed"]
    basis: str
    by: str
    ranges: tuple[tuple[Count, Count], ...]
    entries: Count


Following = Outcome | Challenge | Review | Approval
Entry = Decision | Following | Tombstone


class Sealed(msgspec.Struct, frozen=True):
    """What is personal: stored encrypted under a key of its own, gone when that key is (keyring.py)."""

    subject: str = ""  # the pseudonym, AuditKeys.pseudonym(name)
    snapshot: bytes = b""  # of a decision: its facts (policy/decide.py) as MessagePack; of a challenge: its text
