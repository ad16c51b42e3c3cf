"""One request's decision, and the record of it that is on disk before anything is sent."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from decision_layer.audit import record
from decision_layer.audit.errors import AuditError
from decision_layer.audit.ids import record_id
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.record import Sealed, utc_now
from decision_layer.audit.store import AuditStore
from decision_layer.challenge.approvals import Approvals
from decision_layer.gateway.answers import Refused
from decision_layer.gateway.content import Seen, look
from decision_layer.gateway.conversations import Conversations
from decision_layer.gateway.facts import Request, make_facts, read_request
from decision_layer.gateway.request_ids import read_request_id
from decision_layer.gateway.scanner import Scanner
from decision_layer.gateway.second_stage import DOUBT, SecondStage, is_wanted
from decision_layer.policy.decide import HELD, Decision, Facts, decide
from decision_layer.policy.load import LoadedPolicy
from decision_layer.policy.shape import Client, Model

_facts = msgspec.msgpack.Encoder()


class Place(msgspec.Struct, frozen=True):
    """What records say of this gateway."""

    host: str
    version: str


class Keeping(NamedTuple):
    """Where decisions and the classes of conversations are kept."""

    store: AuditStore
    keys: AuditKeys
    conversations: Conversations
    place: Place
    approvals: Approvals
    second_stage: SecondStage | None = None
    scanner: Scanner | None = None


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that is on record, with what its hops need."""

    loaded: LoadedPolicy
    request: Request
    facts: Facts
    decision: Decision
    record_id: str
    received_at: datetime
    held: bool = False
    """Another person may let it leave: /approve/<record id>."""
    detection: str = "complete"
    """How the content was judged (content.py)."""

    @property
    def unsure(self) -> bool:
        """Whether the second stage was asked and named no class."""
        return self.facts.doubt.startswith(DOUBT)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """For the client: the class, the rule and the record's id."""
        decision = self.decision
        named = (
            (b"x-decision-record", self.record_id),
            (b"x-data-class", decision.data_class),
            (b"x-rule", decision.rule),
        )
        return [(name, value.encode()) for name, value in named if value]


async def decide_and_record(
    loaded: LoadedPolicy,
    client: Client,
    endpoint: str,
    headers: dict[bytes, bytes],
    raw: bytes,
    body: dict[str, Any],
    spent: tuple[str, ...],
    keeping: Keeping,
) -> Decided:
    """Durable on return. Raises Refused (503) where the record, or the conversation's class, cannot be kept."""
    received = utc_now()
    store, keys, conversations, place, approvals, second, scanner = keeping
    request = read_request(loaded, client, headers, body)
    seen = await look(endpoint, body, loaded.policy.limits, scanner)
    facts = msgspec.structs.replace(
        make_facts(request, client, endpoint),
        findings=seen.findings,
        opaque=seen.opaque,
        doubt=request.doubt or seen.doubt,
        chars=seen.chars,
        spent=spent,
    )
    try:
        if request.conversations:
            floor = conversations.highest(loaded, client.name, request.conversations)
            facts = msgspec.structs.replace(facts, conversation=floor)
        decision = decide(loaded, facts)
        # What a second person may let leave is read before that person is asked: they see its class.
        if second is not None and is_wanted(loaded, facts, _if_approved(loaded, facts, decision)):
            facts = await second.judge(loaded, facts, seen.parts)
            decision = decide(loaded, facts)
        approval = headers.get(b"x-approval", b"").decode("ascii", "replace").strip()
        if approval and _is_held(decision) and not _if_approved(loaded, facts, decision).refusal:
            approved = approvals.claim(approval, client.name, facts, hashlib.sha256(raw).hexdigest(), decision)
            facts = msgspec.structs.replace(facts, approved=approved)
            decision = decide(loaded, facts)
        held = _is_held(decision)
        entry = make_record(loaded, client, request, facts, seen, decision, raw, received, place)
        entry = msgspec.structs.replace(
            entry,
            request_id=read_request_id(headers),
            approval_id=approval if facts.approved else "",
            effect="hold" if held else entry.effect,
        )
        for conversation in request.conversations:
            await conversations.raise_to(loaded, client.name, conversation, decision.data_class)
        if facts.approved:
            await approvals.note_use(approval, entry.record_id)
        # The facts, sealed: with the policy of this hash they give the same decision again (replay, counterfactuals).
        await store.decide(entry, Sealed(keys.pseudonym(facts.user) if facts.user else "", _facts.encode(facts)))
    except (AuditError, sqlite3.Error):
        raise Refused(503, "audit_unavailable", "no record can be kept now, so nothing is answered") from None
    return Decided(
        loaded=loaded,
        request=request,
        facts=facts,
        decision=decision,
        record_id=entry.record_id,
        received_at=received,
        held=held,
        detection=seen.detection,
    )


def _is_held(decision: Decision) -> bool:
    return bool(decision.refusal) and any(item.refused.startswith(HELD) for item in decision.candidates)


def _if_approved(loaded: LoadedPolicy, facts: Facts, decision: Decision) -> Decision:
    """What it would be with a second person's word."""
    return decide(loaded, msgspec.structs.replace(facts, approved=True)) if _is_held(decision) else decision


def make_record(
    loaded: LoadedPolicy,
    client: Client,
    request: Request,
    facts: Facts,
    seen: Seen,
    decision: Decision,
    raw: bytes,
    received: datetime,
    place: Place,
) -> record.Decision:
    """No value that was found, no prompt, no word of the client's that the policy has not: kinds, counts and hashes."""
    chosen = loaded.models[decision.chain[0]] if decision.chain else None
    return record.Decision(
        record_id=record_id(),
        received_at=received,
        decided_at=utc_now(),
        request_id="",
        endpoint=facts.endpoint,
        caller=client.name,
        caller_auth="key",
        task_type=loaded.known(facts.task),
        workflow_step=loaded.known(facts.step),
        language=loaded.known(facts.language),
        explicit_label=loaded.known(facts.label or ""),
        label_source=request.label_source,
        findings=facts.findings,
        detection=seen.detection,
        effective_class=decision.data_class,
        policy_id=loaded.policy.name,
        policy_version=str(loaded.policy.version),
        policy_sha256=loaded.sha256,
        effect="refuse" if decision.refusal else "allow",
        requested_model=loaded.known(facts.asked),
        candidates=tuple(
            record.Candidate(item.model, item.zone, item.refused, item.storage) for item in decision.candidates
        ),
        chosen=_tell_model(chosen) if chosen else None,
        rule=decision.rule,
        hops=decision.chain,
        reasons=decision.reasons,
        input_sha256=hashlib.sha256(raw).hexdigest(),
        input_bytes=len(raw),
        snapshot=True,
        software_version=place.version,
        host=place.host,
    )


def _tell_model(model: Model) -> record.Chosen:
    return record.Chosen(
        model=model.name,
        revision=model.revision,
        provider=model.provider,
        zone=model.zone,
        inference_location=model.zone,
        storage_location=model.storage or "",
    )
